import Diagnostics
import Tensors

/// An operation that makes its result tensor by tensor: the kit streams, in parallel, and never holds a model.
///
/// The first input leads: the result has its tensors, shapes, dtypes, facts and side files. Every other input of the lead's
/// kind, and every `Checkpoint` and `Delta`, must have the same tensors with the same shapes. Tensors of whole numbers are taken
/// from the lead as they are, and other inputs need not have them.
public protocol TensorwiseOperation: RecipeOperation {
  /// A checkpoint, unless it says otherwise.
  associatedtype Output = Checkpoint

  /// What floats of a model are rounded to, where an operation has a setting for it; else what they are in the lead.
  var precision: FloatPrecision? { get }

  /// What leads: the first input, or something that is made of it from headers alone.
  func lead(_ first: Content) throws -> Content

  /// What else must hold of the inputs and settings, from headers alone.
  /// - Throws: `OperationError` naming what does not fit.
  func check() throws

  /// Whether a tensor is made at all; where not, it is taken from the lead as it is, and other inputs need not have it.
  func makes(_ name: String) -> Bool

  /// One tensor of the result, in float32; the kit rounds it to the result's dtype.
  ///
  /// Called from several threads at once, in any order.
  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor

  /// Begins to make a tensor run by run, rounded to the dtype; nil where it is made whole. `LinearOperation` does.
  func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader?
}

extension TensorwiseOperation {
  public var precision: FloatPrecision? { nil }

  public func lead(_ first: Content) throws -> Content { first }

  public func check() throws {}

  public func makes(_ name: String) -> Bool { true }

  public func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? { nil }

  public func outline() throws -> Content? { try outlined().0 }

  public func memory() -> Int {
    let lead = inputs.first?.contents.first
    let largest = lead?.tensors.map { $0.shape.count }.max() ?? 0
    let operands = inputs.reduce(1) { $0 + $1.contents.count }
    return largest * 4 * operands * 2
  }

  public func run(_ context: Context) throws -> Output {
    let (outline, lead) = try outlined()
    let originals = Dictionary(uniqueKeysWithValues: lead.tensors.map { ($0.name, $0) })
    let reader = TensorReader(context)
    var result = outline
    result.tensors = zip(outline.tensors, TensorName.all(outline)).map { foreseen, name in
      if let original = originals[foreseen.name], !original.dtype.isFloat || !makes(foreseen.name) {
        guard foreseen.dtype != original.dtype else { return original }
        return TensorEntry(foreseen.name, dtype: foreseen.dtype, shape: foreseen.shape) {
          try rounded(original.load(), to: foreseen.dtype, name)
        }
      }
      let reader = reader.reading(name.text)
      return TensorEntry(foreseen.name, dtype: foreseen.dtype, shape: foreseen.shape) {
        try runs(name, as: foreseen.dtype, reader)
      } load: {
        try context.checkCancelled()
        let made = try self.tensor(name, reader)
        precondition(
          made.shape == foreseen.shape, "`\(Self.about.name)` made \(name) of another shape than it promised")
        return try rounded(made, to: foreseen.dtype, name)
      }
    }
    return Output(result)
  }

  /// A tensor of the result as it is stored.
  /// - Throws: `OperationError` where an entry is NaN or infinite in the dtype.
  public func rounded(_ made: Tensor, to dtype: DType, _ name: TensorName) throws -> Tensor {
    let result = made.converted(to: dtype)
    // Of the narrower floats only float16 has another range worth looking at.
    guard let index = made.firstNonFinite ?? (dtype == .f16 ? result.firstNonFinite : nil) else { return result }
    throw OperationError(
      .step,
      "`\(Self.about.name)` makes entry \(index) of `\(name)` \(made.floats[index]), which \(dtype.rawValue) cannot hold"
    )
  }

  /// The result without bytes, and the input that leads.
  private func outlined() throws -> (Content, lead: Content) {
    let inputs = inputs
    guard let first = inputs.first?.contents.first else { preconditionFailure("`\(Self.about.name)` has no input") }
    let lead = try lead(first)
    for other in inputs.flatMap({ $0.contents }).dropFirst() where Self.mustMatch(other.kind, lead.kind) {
      try lead.checkSameTensors(as: other, where: makes)
    }
    let contents = inputs.flatMap { $0.contents }
    for content in contents where contents.count > 1 && Self.mustMatch(content.kind, lead.kind) {
      // The lead's would be carried, and pass for a merge.
      for entry in content.tensors where entry.dtype.isEightBitFloat && makes(entry.name) {
        throw OperationError.notComputedWith(entry, of: content)
      }
    }
    try check()
    let facts = precision?.named(in: lead.facts) ?? lead.facts
    var outline = Content(Output.kind, facts: facts, files: Output.kind == .checkpoint ? lead.files : [])
    outline.tensors = lead.tensors.map { entry in
      let staysAsIs = !entry.dtype.isFloat || Output.kind != .checkpoint && !makes(entry.name)
      let made = Output.kind == .checkpoint ? precision?.dtype ?? entry.dtype : .f32
      return TensorEntry(foreseen: entry.name, dtype: staysAsIs ? entry.dtype : made, shape: entry.shape)
    }
    return (outline, lead)
  }

  private static func mustMatch(_ kind: ArtifactKind, _ lead: ArtifactKind) -> Bool {
    kind == lead || kind == .checkpoint || kind == .delta
  }
}

extension Content {
  /// Checks that another artifact has the same tensors with the same shapes. Whole numbers, such as `position_ids`, take no part
  /// in merges: where only some have them, or others, it does not matter.
  /// - Parameter matters: Which tensors are looked at.
  public func checkSameTensors(as other: Content, where matters: (String) -> Bool = { _ in true }) throws {
    let helps = ["`mergekit show` prints a model's shapes; a model can be merged only with its own kind"]
    let theirs = Dictionary(uniqueKeysWithValues: other.tensors.map { ($0.name, $0) })
    for mine in tensors where matters(mine.name) {
      guard let their = theirs[mine.name] else {
        guard mine.dtype.isFloat else { continue }
        throw OperationError(.data, "`\(mine.name)` is in `\(label)`, but not in `\(other.label)`", helps: helps)
      }
      guard mine.shape == their.shape || !mine.dtype.isFloat && !their.dtype.isFloat else {
        throw OperationError(
          .data, "`\(mine.name)` is \(mine.shape) in `\(label)`, \(their.shape) in `\(other.label)`", helps: helps)
      }
    }
    let names = Set(tensors.map(\.name))
    let extras = other.tensors.filter { !names.contains($0.name) && matters($0.name) && $0.dtype.isFloat }
    if let extra = extras.first {
      throw OperationError(.data, "`\(extra.name)` is in `\(other.label)`, but not in `\(label)`", helps: helps)
    }
  }
}
