import Diagnostics
import Formats
import Tensors

/// An operation that makes its result tensor by tensor: the kit streams, in parallel, and never holds a model.
///
/// The first input is the lead: the result has its tensors, shapes, dtypes, facts and side files. Every other input of the lead's
/// kind, and every `Checkpoint` and `Delta`, must have the same tensors with the same shapes. Tensors of whole numbers are taken
/// from the lead as they are.
public protocol TensorwiseOperation: RecipeOperation {
  /// One tensor of the result, in float32; the kit rounds it to the result's dtype.
  ///
  /// Called from several threads at once, in any order.
  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor
}

/// Reads the tensor that is being made from any of the inputs.
public struct TensorReader: Sendable {
  public let name: String

  public init(name: String) { self.name = name }

  /// The tensor as float32.
  /// - Throws: `OperationError` where an entry is NaN or infinite, naming the first.
  public func callAsFunction(_ artifact: some Artifact) throws -> Tensor {
    let tensor = try artifact.content.tensor(name).converted(to: .f32)
    if let index = tensor.firstNonFinite {
      let value = tensor.floats[index]
      throw OperationError(
        .data, "`\(name)` of `\(artifact.label)` holds \(value.isNaN ? "NaN" : "an infinity"), first at entry \(index)",
        helps: ["a merge of it would be useless: look at how that model was made"])
    }
    return tensor
  }

  /// Whether an input has this tensor at all.
  public func has(_ artifact: some Artifact) -> Bool { artifact.content.entry(name) != nil }
}

extension TensorwiseOperation {
  public func outline() throws -> Content? { try outlined().0 }

  public func memory() -> Int {
    let lead = inputs.first?.contents.first
    let largest = lead?.tensors.map { $0.shape.count }.max() ?? 0
    let operands = inputs.reduce(1) { $0 + $1.contents.count }
    return largest * 4 * operands * 2
  }

  public func run(_ context: Context) throws -> Output {
    let (outline, lead) = try outlined()
    let names = TensorName.all(outline.tensors.map(\.name))
    var result = outline
    result.tensors = zip(outline.tensors, names).map { foreseen, name in
      guard foreseen.dtype.isFloat, let original = lead.entry(foreseen.name), original.dtype.isFloat else {
        return lead.entry(foreseen.name) ?? foreseen
      }
      return TensorEntry(foreseen.name, dtype: foreseen.dtype, shape: foreseen.shape) {
        try context.checkCancelled()
        let made = try self.tensor(name, TensorReader(name: name.text))
        precondition(made.shape == foreseen.shape, "`\(Self.about.name)` made \(name) of another shape than it promised")
        return made.converted(to: foreseen.dtype)
      }
    }
    return Output(result)
  }

  /// The result without bytes, and the input that leads.
  private func outlined() throws -> (Content, lead: Content) {
    let inputs = inputs
    guard let lead = inputs.first?.contents.first else { preconditionFailure("`\(Self.about.name)` has no input") }
    for other in inputs.flatMap(\.contents).dropFirst() where Self.mustMatch(other.kind, lead.kind) {
      try lead.checkSameTensors(as: other)
    }
    var outline = Content(Output.kind, facts: lead.facts, files: Output.kind == .checkpoint ? lead.files : [])
    outline.tensors = lead.tensors.map { entry in
      let dtype = Output.kind == .checkpoint || !entry.dtype.isFloat ? entry.dtype : .f32
      return TensorEntry(foreseen: entry.name, dtype: dtype, shape: entry.shape)
    }
    return (outline, lead)
  }

  private static func mustMatch(_ kind: ArtifactKind, _ lead: ArtifactKind) -> Bool {
    kind == lead || kind == .checkpoint || kind == .delta
  }
}

extension Content {
  /// Checks that another artifact has the same tensors with the same shapes.
  public func checkSameTensors(as other: Content) throws {
    let helps = ["`mergekit show` prints a model's shapes; a model can be merged only with its own kind"]
    let theirs = Dictionary(uniqueKeysWithValues: other.tensors.map { ($0.name, $0) })
    for mine in tensors {
      guard let their = theirs[mine.name] else {
        throw OperationError(.data, "`\(mine.name)` is in `\(label)`, but not in `\(other.label)`", helps: helps)
      }
      guard mine.shape == their.shape else {
        throw OperationError(
          .data, "`\(mine.name)` is \(mine.shape) in `\(label)`, \(their.shape) in `\(other.label)`", helps: helps)
      }
    }
    let names = Set(tensors.map(\.name))
    if let extra = other.tensors.first(where: { !names.contains($0.name) }) {
      throw OperationError(.data, "`\(extra.name)` is in `\(other.label)`, but not in `\(label)`", helps: helps)
    }
  }
}
