import Diagnostics

/// A thing that a recipe can ask for: a function from artifacts and settings to an artifact.
///
/// A struct of `@Input` and `@Param` properties, its `about`, and `run`. Everything else (checks, errors, help, completions,
/// cache key) is read from that declaration. The result may depend on nothing but the slots' values.
public protocol RecipeOperation: Decodable, Sendable {
  associatedtype Output: Artifact

  static var about: About { get }

  /// Raised whenever the bytes of a result may change; results of another version are made anew.
  static var version: Int { get }

  /// The kind of the result where an optional input is given, by the input's name: training an adapter makes an adapter.
  static var outputs: [String: ArtifactKind] { get }

  /// The metrics that the result has, for an operation whose output is `Metrics`. Where a parameter named `report` chooses
  /// among them, a result has only the chosen ones.
  static var fields: [Field] { get }

  init()

  /// Files outside the registry that this reads, as absolute paths: their content enters the key.
  /// - Throws: `OperationError` where one is not there.
  func sources() throws -> [String]

  /// What the result will look like, from the inputs' headers alone; nil where only running it tells.
  ///
  /// Called before anything runs, on contents that may be only foreseen, so it must read no tensor. It checks all that can be
  /// checked by then.
  /// - Throws: `OperationError` naming what does not fit.
  func outline() throws -> Content?

  /// Bytes of memory that a run needs, from shapes alone.
  func memory() -> Int

  /// Makes the result. Its tensors may be computed lazily: they are asked for one by one, from several threads at once.
  /// - Throws: `OperationError`.
  func run(_ context: Context) throws -> Output
}

extension RecipeOperation {
  public static var version: Int { 1 }
  public static var outputs: [String: ArtifactKind] { [:] }
  public static var fields: [Field] { [] }
  public func sources() throws -> [String] { [] }
  public func outline() throws -> Content? { nil }
  public func memory() -> Int { (16 << 20) + inputs.flatMap({ $0.contents }).reduce(0) { $0 + $1.byteCount } * 2 }
}

/// An operation with a plain version of itself that a law compares with the fast one.
public protocol Referenced: TensorwiseOperation {
  /// The method entry by entry, as its paper writes it: sums of models in float32, where each step's rounding is part of what
  /// is promised, all else in float64. The fast path must equal this.
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double]
}
