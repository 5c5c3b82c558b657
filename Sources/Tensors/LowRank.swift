/// A matrix of low rank that is near another, as the largest of its singular values and their vectors.
///
/// A LoRA adapter of the matrix is B = U · diag(S) and A = Vᵀ, or √S to each.
public struct LowRank: Sendable {
  /// At most as many values as the rank says; fewer where the matrix has not as many rows or columns.
  public let factors: SingularValues
  /// ‖A − U · diag(S) · Vᵀ‖ / ‖A‖, Frobenius norms; 0 for a matrix of zeros.
  public let relativeError: Double

  private init(_ factors: SingularValues, of matrix: DoubleMatrix) {
    self.factors = factors
    let norm = matrix.norm
    relativeError = norm == 0 ? 0 : (matrix - factors.matrix).norm / norm
  }

  /// The nearest matrix of a rank, by a whole decomposition (Eckart and Young 1936).
  ///
  /// Nil where the decomposition fails, as `SingularValues` does.
  public init?(_ matrix: DoubleMatrix, rank: Int) {
    precondition(rank >= 0, "a rank is not negative")
    guard let found = SingularValues(matrix) else { return nil }
    self.init(found.first(min(rank, found.values.count)), of: matrix)
  }

  /// One that is nearly as near, by a random sketch (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1): many times as
  /// fast where the rank is far below the sides.
  ///
  /// Q is an orthonormal basis of `(A · Aᵀ)ᵖ · A · Ω`, made orthonormal again after each product, with Ω Gaussian; the
  /// decomposition is Q times that of Qᵀ · A. Numbers come from the generator alone.
  ///
  /// - Parameters:
  ///   - powerIterations: p: how often small values are pushed back against large ones.
  ///   - oversampling: Directions of the sketch beyond the rank.
  public init?(
    sketching matrix: DoubleMatrix, rank: Int, powerIterations: Int = 4, oversampling: Int = 10,
    from generator: Generator
  ) {
    precondition(min(rank, powerIterations, oversampling) >= 0, "a rank and its settings are not negative")
    let width = rank + oversampling
    guard width < min(matrix.rows, matrix.columns) else {
      self.init(matrix, rank: rank)
      return
    }
    guard matrix.isFinite else { return nil }
    var generator = generator
    let sketch = DoubleMatrix(
      rows: matrix.columns, columns: width, (0..<matrix.columns * width).map { _ in generator.gaussian() })
    var basis = OrthogonalTriangular(matrix * sketch).orthonormal
    for _ in 0..<powerIterations {
      let across = OrthogonalTriangular(DoubleMatrix.product(transposed: matrix, basis)).orthonormal
      basis = OrthogonalTriangular(matrix * across).orthonormal
    }
    guard let small = SingularValues(DoubleMatrix.product(transposed: basis, matrix)) else { return nil }
    self.init(
      SingularValues(left: basis * small.left, values: small.values, right: small.right).first(rank), of: matrix)
  }
}

extension Tensor {
  /// The nearest matrix of a rank to a tensor of two axes; nil where an entry is not finite.
  public func lowRank(rank: Int) -> LowRank? { LowRank(DoubleMatrix(self), rank: rank) }

  /// One that is nearly as near, many times as fast where the rank is far below the sides; the same for the same seed and
  /// name. Nil where an entry is not finite.
  ///
  /// - Parameters:
  ///   - name: What tells this tensor's random numbers from another's.
  ///   - powerIterations: More of them bring it nearer where singular values fall slowly.
  public func lowRank(rank: Int, seed: Int, name: String, powerIterations: Int = 4) -> LowRank? {
    LowRank(
      sketching: DoubleMatrix(self), rank: rank, powerIterations: powerIterations,
      from: Generator(seed: seed, stream: "low rank", name))
  }
}
