import Diagnostics
import Operations
import Tensors

/// A merge that looks at the singular vectors of the changes that training made to each matrix.
///
/// Tensors of other than two axes, and those that `exclude` names, become the base and `scale` times the mean change.
protocol SpectralMerge: TensorwiseOperation {
  var models: [Checkpoint] { get }
  var base: Checkpoint { get }
  var scale: Layered<Double> { get }
  var exclude: [String] { get }

  /// One matrix's merged change, of the same shape.
  /// - Parameter changes: Each model's; at least one, and not empty.
  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName) throws -> DoubleMatrix
}

extension SpectralMerge {
  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let base = try read(base)
    let scale = scale(tensor)
    let isMatrix = base.shape.rank == 2 && base.shape.count > 0
    guard isMatrix, !exclude.contains(where: { Pattern($0).matches(tensor.text) }) else {
      let share = scale / Double(models.count)
      return Tensor.weightedSum(
        [base] + (try models.map { try read($0) }), weights: [1 - scale] + models.map { _ in share })
    }
    let start = DoubleMatrix(base)
    let change = try merged(try models.map { DoubleMatrix(try read($0)) - start }, tensor)
    let entries = zip(start.entries, change.entries).map { $1 == 0 ? Float($0) : Float($0 + scale * $1) }
    return Tensor(entries, shape: base.shape)
  }

  /// A matrix of float64 for each operand, and three times as much again for its decomposition.
  func memory() -> Int {
    let largest = base.content.tensors.map { $0.shape.rank == 2 ? $0.shape.count : 0 }.max() ?? 0
    return (16 << 20) + largest * 8 * (models.count + 8)
  }

  /// The decomposition of one of an operation's matrices.
  func singularValues(_ matrix: DoubleMatrix, _ tensor: TensorName) throws -> SingularValues {
    guard let values = SingularValues(matrix) else {
      throw OperationError(.step, "the singular values of `\(tensor)` do not converge in `\(Self.about.name)`")
    }
    return values
  }

  /// The sum of some matrices.
  func sum(_ matrices: [DoubleMatrix]) -> DoubleMatrix { matrices.dropFirst().reduce(matrices[0], +) }
}
