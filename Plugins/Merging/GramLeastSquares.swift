import Diagnostics
import Operations
import Tensors

/// The weight whose outputs on each model's own inputs differ least from those of the model's own weight (Jin et al. 2023).
///
/// W = W̄ + (Σₖ wₖ (Wₖ − W̄) Gₖ) (Σₖ wₖ Gₖ + ρ I)⁻¹, where W̄ is the average, what is off the diagonal of Gₖ is multiplied by α, and ρ is
/// `ridge` times the mean of the sum's diagonal. In float64.
struct GramLeastSquares {
  /// wₖ, which sum to one.
  let shares: [Double]
  /// α.
  let diagonal: Double
  let ridge: Double

  /// - Parameters:
  ///   - models: Each (out, in), or (in, out) where it is kept transposed.
  ///   - average: Of the models, weighted by the shares.
  ///   - grams: Each (in, in).
  /// - Throws: `OperationError` where the sum cannot be inverted, which takes a `ridge` of 0.
  func merge(
    _ name: String, _ models: [Tensor], average: Tensor, grams: [Tensor], isTransposed: Bool
  ) throws -> Tensor {
    let width = grams[0].shape[0]
    func turned(_ matrix: DoubleMatrix) -> DoubleMatrix { isTransposed ? matrix : matrix.transposed }
    var (sum, target) = (DoubleMatrix(zeros: width, width), DoubleMatrix(zeros: width, average.count / width))
    let middle = DoubleMatrix(average)
    for ((model, gram), share) in zip(zip(models, grams), shares) {
      let matrix = DoubleMatrix(gram).shrinkingOffDiagonal(by: diagonal)
      sum = sum + share * matrix
      // From the average, so that models that are one give it back, and so does what no input says anything about.
      target = target + share * (matrix * turned(DoubleMatrix(model) - middle))
    }
    let trace = (0..<width).reduce(0) { $0 + sum[$1, $1] }
    guard trace > 0 else { return average }
    for index in 0..<width { sum[index, index] += ridge * trace / Double(width) }
    guard let change = sum.solving(target) else {
      throw OperationError(
        .step, "the Gram matrices of `\(name)` cannot be inverted", helps: ["a larger `ridge` makes it possible"])
    }
    return Tensor(average, adding: turned(change), times: 1)
  }

  /// Weights that sum to one; all the same where none are given.
  static func shares(_ weights: [Double], of count: Int) -> [Double] {
    let total = weights.reduce(0, +)
    return weights.isEmpty ? Array(repeating: 1 / Double(count), count: count) : weights.map { $0 / total }
  }
}

extension DoubleMatrix {
  fileprivate consuming func shrinkingOffDiagonal(by factor: Double) -> DoubleMatrix {
    guard factor != 1 else { return self }
    let diagonal = (0..<rows).map { self[$0, $0] }
    var result = factor * self
    for index in 0..<rows { result[index, index] = diagonal[index] }
    return result
  }
}
