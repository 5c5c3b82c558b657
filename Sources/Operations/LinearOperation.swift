import Diagnostics
import Tensors

/// An operation each tensor of whose result is a `WeightedSum` of its inputs' tensors.
///
/// The weights may depend on the whole tensors, by way of `TensorReader.gram`. The sum itself is worked out run by run while
/// the operands are read, so that a tensor is never held.
public protocol LinearOperation: TensorwiseOperation {
  /// What is added up for one tensor.
  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum

  /// The input that all operands are seen from, o; none unless an operation says so.
  var origin: Checkpoint? { get }
}

/// Operands, in order and at least one, and how they become one.
public struct LinearSum: Sendable {
  /// One operand, and how much it counts.
  public struct Term: Sendable {
    let weight: Double
    let content: Content

    public init(_ weight: Double, _ artifact: some Artifact) {
      self.weight = weight
      content = artifact.content
    }
  }

  let contents: [Content]
  let rule: WeightedSum

  public init(_ terms: [Term], isNormalized: Bool = false, times scale: Double = 1) {
    contents = terms.map(\.content)
    rule = WeightedSum(terms.map(\.weight), isNormalized: isNormalized, times: scale)
  }

  /// Artifacts, each with its weight.
  public init(_ artifacts: [some Artifact], weights: [Double], isNormalized: Bool = false, times scale: Double = 1) {
    self.init(zip(weights, artifacts).map { Term($0, $1) }, isNormalized: isNormalized, times: scale)
  }
}

extension LinearOperation {
  public var origin: Checkpoint? { nil }

  public func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor { try summed(tensor, read) }

  public func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    try summedRuns(tensor, as: dtype, read)
  }

  /// The sum of the terms; for an operation that makes some tensors in another way.
  public func summed(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let sum = try sum(tensor, read)
    return Tensor.weightedSum(
      try sum.contents.map { try $0.finiteTensor(tensor.text) }, sum.rule,
      from: try origin?.content.finiteTensor(tensor.text))
  }

  /// Begins to sum the terms run by run; nil where an operand or the result has no kernels.
  public func summedRuns(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    let terms = try sum(tensor, read)
    let contents = [origin?.content].compactMap { $0 } + terms.contents
    guard dtype.hasKernels, let operands = try contents.readers(of: tensor.text) else { return nil }
    var sum = RunningSum(terms.rule, capacity: RunningSum.blockLength, hasOrigin: origin != nil)
    let places = RunPlaces(operands.count)
    let entries = operands.enumerated().map { (entries: UnsafeRawPointer(places[$0]), dtype: $1.dtype) }
    return { run, target in
      try read.context.checkCancelled()
      guard let target = target.baseAddress else { return }
      for (place, operand) in operands.enumerated() { try operand.read(run, places[place]) }
      guard sum.sum(entries, count: run.count, to: target, dtype) else {
        // The way over whole tensors says which entry it is, and of what.
        _ = try rounded(self.tensor(tensor, read), to: dtype, tensor)
        preconditionFailure("`\(Self.about.name)` made `\(tensor)` in two ways, and only one is finite")
      }
    }
  }
}
