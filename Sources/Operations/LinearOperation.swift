import Diagnostics
import Tensors

/// An operation each tensor of whose result is a sum of its inputs' tensors: Σₖ wₖ xₖ, or o + Σₖ wₖ (xₖ − o).
///
/// The weights may depend on the whole tensors, by way of `TensorReader.gram`. The sum itself is worked out run by run while
/// the operands are read, so that a tensor is never held; each entry in float64, in the order of the terms, and rounded once.
public protocol LinearOperation: TensorwiseOperation {
  /// What is added up for one tensor, in order; at least one term.
  func terms(_ tensor: TensorName, _ read: TensorReader) throws -> [Term]

  /// The input that all operands are seen from, o; none unless an operation says so.
  var origin: Checkpoint? { get }
}

/// One operand of a sum.
public struct Term: Sendable {
  public let weight: Double
  public let content: Content

  public init(_ weight: Double, _ artifact: some Artifact) {
    self.weight = weight
    content = artifact.content
  }
}

extension LinearOperation {
  public var origin: Checkpoint? { nil }

  public func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor { try sum(tensor, read) }

  public func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    try summedRuns(tensor, as: dtype, read)
  }

  /// The sum of the terms; for an operation that makes some tensors in another way.
  public func sum(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let terms = try terms(tensor, read)
    return Tensor.weightedSum(
      try terms.map { try $0.content.finiteTensor(tensor.text) }, weights: terms.map(\.weight),
      from: try origin?.content.finiteTensor(tensor.text))
  }

  /// Begins to sum the terms run by run; nil where an operand or the result has no kernels.
  public func summedRuns(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    let terms = (origin.map { [Term(1, $0)] } ?? []) + (try terms(tensor, read))
    guard dtype.hasKernels, let operands = try terms.map({ $0.content }).readers(of: tensor.text) else { return nil }
    let weights = terms.map(\.weight)
    var sum = RunningSum(capacity: RunningSum.blockLength, hasOrigin: origin != nil)
    let places = RunPlaces(operands.count)
    return { run, target in
      try read.context.checkCancelled()
      guard let target = target.baseAddress else { return }
      let entries = try operands.enumerated().map { try $1.read(run, places[$0]) }
      var isFinite = true
      for start in stride(from: 0, to: run.count, by: RunningSum.blockLength) {
        sum.begin(min(RunningSum.blockLength, run.count - start))
        for (number, operand) in operands.enumerated() {
          let block = entries[number] + start * operand.dtype.size
          isFinite = sum.add(block, operand.dtype, weight: weights[number]) && isFinite
        }
        isFinite = sum.write(to: target + start * dtype.size, dtype) && isFinite
      }
      guard isFinite else {
        // The way over whole tensors says which entry it is, and of what.
        _ = try rounded(self.tensor(tensor, read), to: dtype, tensor)
        preconditionFailure("`\(Self.about.name)` made `\(tensor)` in two ways, and only one is finite")
      }
    }
  }
}
