import Diagnostics
import Synchronization
import Tensors

/// Reads the tensor that is being made from any of the inputs.
public struct TensorReader: Sendable {
  /// The tensor that is read.
  public let name: String
  /// The run that it is read for.
  public let context: Context
  private let memo: Memo

  /// For one run; `reading(_:)` then says which tensor.
  public init(_ context: Context) {
    self.init(name: "", context: context, memo: Memo())
  }

  private init(name: String, context: Context, memo: Memo) {
    self.name = name
    self.context = context
    self.memo = memo
  }

  /// The same run's reader of a tensor.
  public func reading(_ name: String) -> TensorReader { TensorReader(name: name, context: context, memo: memo) }

  /// The tensor, its floats as they are stored; float64 becomes float32.
  /// - Throws: `OperationError` where an entry is NaN or infinite, naming the first.
  public func callAsFunction(_ artifact: some Artifact) throws -> Tensor { try artifact.content.finiteTensor(name) }

  /// Whether an input has this tensor at all.
  public func has(_ artifact: some Artifact) -> Bool { artifact.content.entry(name) != nil }

  /// What an operation works out over whole inputs before its first tensor: once in a run, whichever tensor asks first.
  ///
  /// An operation has one such value; others wait while it is worked out.
  public func once<Result: Sendable>(_ make: () throws -> Result) throws -> Result {
    try memo.value.withLock { value in
      if let value = value as? Result { return value }
      let made = try make()
      value = made
      return made
    }
  }

  private final class Memo: Sendable {
    let value = Mutex<(any Sendable)?>(nil)
  }
}

extension Content {
  /// One tensor, its floats as they are stored, since all arithmetic reads every kind of them; float64 becomes float32.
  /// - Throws: `OperationError` where an entry is NaN or infinite, naming the first, or of a dtype that is only carried.
  public func finiteTensor(_ name: String) throws -> Tensor {
    if let entry = entry(name), entry.dtype.isEightBitFloat || entry.dtype == .bool {
      throw OperationError.notComputedWith(entry, of: self)
    }
    let stored = try tensor(name)
    let tensor = stored.dtype == .f64 ? stored.converted(to: .f32) : stored
    guard let index = tensor.firstNonFinite else { return tensor }
    let entry = stored.doubles[index]
    let what = entry.isNaN ? "NaN" : entry.isInfinite ? "an infinity" : "\(entry), which float32 cannot hold"
    throw OperationError(
      .data, "`\(name)` of `\(label)` holds \(what), first at entry \(index)",
      helps: ["nothing useful can be made of it: look at how `\(label)` came about"])
  }
}

extension DType {
  var isEightBitFloat: Bool { self == .f8e4m3 || self == .f8e5m2 }
}

extension OperationError {
  static func notComputedWith(_ entry: TensorEntry, of content: Content) -> OperationError {
    OperationError(
      .data,
      "`\(entry.name)` of `\(content.label)` is \(entry.dtype.rawValue), which is only carried, not computed with",
      helps: ["a model of 8-bit floats is to be converted to BF16 first, with the tool that made it"])
  }
}
