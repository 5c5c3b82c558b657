import Tensors

/// The first right singular vectors of a matrix and their values, by the sketch that PEFT's EVA takes of each batch.
///
/// That is `torch.svd_lowrank` with twice as many directions as are wanted, four power iterations and the seed 42 each time
/// (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1). Here it is worked out from the products of the matrix with itself,
/// on its shorter side: the spans are the same, at a fraction of the cost. Where the sketch would have as many directions as the
/// matrix has, both are exact.
struct SketchedDirections {
  /// (count, columns), rows orthonormal.
  let vectors: DoubleMatrix
  let values: [Double]

  private static let powerIterations = 4
  private static let seed: UInt32 = 42

  /// How many directions a sketch has.
  private static func width(for count: Int) -> Int { 2 * count }

  /// Of a matrix that has at least as many rows as columns.
  ///
  /// Nil where a decomposition fails.
  /// - Parameters:
  ///   - products: Aᵀ A.
  ///   - isFirst: Whether PEFT draws float32's numbers, as for its first batch.
  init?(ofTall products: DoubleMatrix, count: Int, isFirst: Bool) {
    let width = Self.width(for: count)
    guard width < products.rows, products.rows * width >= 16 else {
      guard let found = SymmetricEigenvalues(products, first: count) else { return nil }
      self.init(found)
      return
    }
    // B = Qᵀ A with Q a basis of A (AᵀA)⁴ Ω: BᵀB = F Fᵀ, F = AᵀA P (Pᵀ AᵀA P)^(-½), P a basis of (AᵀA)⁴ Ω.
    let basis = Self.basis(products, width: width, isFirst: isFirst)
    let images = products * basis
    guard let roots = Self.inverseRoot(.product(transposed: basis, images)) else { return nil }
    let factor = images * roots
    guard let found = SymmetricEigenvalues(.product(transposed: factor, factor), first: count) else { return nil }
    self.init(found, spanning: factor, areScaled: true)
  }

  /// Of a matrix that has fewer rows than columns.
  ///
  /// Nil where a decomposition fails.
  init?(ofWide matrix: DoubleMatrix, count: Int, isFirst: Bool) {
    let width = Self.width(for: count)
    let products = DoubleMatrix.product(matrix, transposed: matrix)
    guard width < products.rows, products.rows * width >= 16 else {
      guard let found = SymmetricEigenvalues(products, first: count) else { return nil }
      self.init(found, spanning: matrix.transposed, areScaled: true)
      return
    }
    // Q = Aᵀ P (Pᵀ AAᵀ P)^(-½) with P a basis of (AAᵀ)⁴ Ω; the values are those of A Q.
    let basis = Self.basis(products, width: width, isFirst: isFirst)
    let images = products * basis
    guard let roots = Self.inverseRoot(.product(transposed: basis, images)) else { return nil }
    let small = images * roots
    guard let found = SymmetricEigenvalues(.product(transposed: small, small), first: count) else { return nil }
    self.init(found, spanning: DoubleMatrix.product(transposed: matrix, basis * roots), areScaled: false)
  }

  private init(_ found: SymmetricEigenvalues) {
    (vectors, values) = (found.vectors, found.values.map { max($0, 0).squareRoot() })
  }

  /// - Parameter areScaled: Whether the columns that the vectors are of still have the values' lengths.
  private init(_ found: SymmetricEigenvalues, spanning columns: DoubleMatrix, areScaled: Bool) {
    let values = found.values.map { max($0, 0).squareRoot() }
    // What is left of rounding has no direction.
    let level = (values.first ?? 0) * 1e-7
    self.values = Array(values.prefix { $0 > level })
    let vectors = DoubleMatrix.product(found.vectors.firstRows(self.values.count), transposed: columns)
    self.vectors = areScaled ? vectors.scalingRows(by: self.values.map { 1 / $0 }) : vectors
  }

  /// An orthonormal basis of S⁴ Ω.
  private static func basis(_ products: DoubleMatrix, width: Int, isFirst: Bool) -> DoubleMatrix {
    let numbers = TorchNormals.numbers(products.rows * width, seed: seed, isDouble: !isFirst)
    var basis = DoubleMatrix(rows: products.rows, columns: width, numbers)
    for _ in 0..<powerIterations { basis = OrthogonalTriangular(products * basis).orthonormal }
    return basis
  }

  /// S^(-½) of a symmetric matrix, without the directions in which it is zero up to rounding: (size, those that are left).
  private static func inverseRoot(_ matrix: DoubleMatrix) -> DoubleMatrix? {
    guard let found = SymmetricEigenvalues(matrix) else { return nil }
    let kept = found.values.prefix { $0 > (found.values.first ?? 0) * 1e-14 }
    return found.vectors.firstRows(kept.count).transposed.scalingColumns(by: kept.map { 1 / $0.squareRoot() })
  }
}
