import Testing

@testable import Tensors

@Suite struct DecompositionTests {
  @Test(arguments: [(1, 1), (5, 5), (9, 4), (4, 9), (1, 6), (6, 1), (150, 70)])
  func orthonormalTimesTriangularIsTheMatrix(rows: Int, columns: Int) {
    let matrix = DoubleMatrix.random(rows, columns)
    let found = OrthogonalTriangular(matrix)
    let count = min(rows, columns)
    #expect((found.orthonormal * found.triangular - matrix).norm <= 1e-13 * matrix.norm)
    let square = DoubleMatrix.product(transposed: found.orthonormal, found.orthonormal)
    #expect((square - .identity(count)).norm <= 1e-13)
    for row in 0..<count {
      #expect(found.triangular[row, row] >= 0)
      for column in 0..<row { #expect(found.triangular[row, column] == 0) }
    }
  }

  @Test func emptyAndRankDeficientMatricesAreTakenApartToo() {
    #expect(OrthogonalTriangular(DoubleMatrix(zeros: 0, 3)).triangular == DoubleMatrix(zeros: 0, 3))
    #expect(OrthogonalTriangular(DoubleMatrix(zeros: 3, 0)).orthonormal == DoubleMatrix(zeros: 3, 0))
    for matrix in [DoubleMatrix.random(7, 2) * .random(2, 4), DoubleMatrix(zeros: 5, 3)] {
      let found = OrthogonalTriangular(matrix)
      let square = DoubleMatrix.product(transposed: found.orthonormal, found.orthonormal)
      #expect((square - .identity(matrix.columns)).norm <= 1e-13)
      #expect((found.orthonormal * found.triangular - matrix).norm <= 1e-13)
    }
  }

  @Test(arguments: [1, 2, 6, 40]) func eigenvectorsGiveTheMatrixBack(size: Int) throws {
    let half = DoubleMatrix.random(size, size)
    let matrix = half + half.transposed
    let found = try #require(SymmetricEigenvalues(matrix))
    let scaled = found.vectors.scalingRows(by: found.values)
    #expect((DoubleMatrix.product(transposed: found.vectors, scaled) - matrix).norm <= 1e-12 * matrix.norm)
    #expect((DoubleMatrix.product(found.vectors, transposed: found.vectors) - .identity(size)).norm <= 1e-12)
    #expect(found.values == found.values.sorted(by: >))
    for row in 0..<size {
      let vector = (0..<size).map { found.vectors[row, $0] }
      #expect(vector.first { $0.magnitude == vector.map(\.magnitude).max() } ?? 0 > 0)
    }
  }

  @Test(arguments: [1, 5, 40, 130]) func theFirstEigenvectorsAreTheFirstOfAll(size: Int) throws {
    let matrix = DoubleMatrix.random(size + 3, size)
    let gram = DoubleMatrix.product(transposed: matrix, matrix)
    let all = try #require(SymmetricEigenvalues(gram))
    for count in [1, 4, size / 4, size] where count > 0 && count <= size {
      let first = try #require(SymmetricEigenvalues(gram, first: count))
      #expect(first.values.count == count && first.vectors.rows == count)
      for (a, b) in zip(first.values, all.values) { #expect(abs(a - b) <= 1e-12 * all.values[0]) }
      let scaled = first.vectors.scalingRows(by: first.values)
      #expect((first.vectors * gram - scaled).norm <= 1e-11 * gram.norm)
      #expect((DoubleMatrix.product(first.vectors, transposed: first.vectors) - .identity(count)).norm <= 1e-11)
    }
  }

  @Test func eigenvaluesAreThoseOfTheUpperHalfAndSquaresOfSingularOnes() throws {
    let matrix = DoubleMatrix.random(9, 5)
    var gram = DoubleMatrix.product(transposed: matrix, matrix)
    let squares = try #require(SingularValues(matrix)).values.map { $0 * $0 }
    for row in 0..<5 { for column in 0..<row { gram[row, column] = .nan } }
    for (value, square) in zip(try #require(SymmetricEigenvalues(gram)).values, squares) {
      #expect(abs(value - square) <= 1e-13 * squares[0])
    }
    gram[1, 3] = .nan
    #expect(SymmetricEigenvalues(gram) == nil)
    #expect(try #require(SymmetricEigenvalues(DoubleMatrix(zeros: 0, 0))).values.isEmpty)
    #expect(try #require(SymmetricEigenvalues(DoubleMatrix(zeros: 3, 3))).values == [0, 0, 0])
    #expect(try #require(SymmetricEigenvalues(.identity(4))).values == [1, 1, 1, 1])
  }

  @Test func rowsAndColumnsAreThePlainOnes() {
    let matrix = DoubleMatrix.random(37, 70)
    let transposed = matrix.transposed
    for row in 0..<37 { for column in 0..<70 { #expect(transposed[column, row] == matrix[row, column]) } }
    #expect(DoubleMatrix(zeros: 0, 3).transposed == DoubleMatrix(zeros: 3, 0))
    let small = DoubleMatrix(rows: 2, columns: 4, [1, 2, 3, 4, -5, 6, 7, 8])
    #expect(small.splitColumns(into: 2).map(\.entries) == [[1, 2, -5, 6], [3, 4, 7, 8]])
    #expect(DoubleMatrix.beside(small.splitColumns(into: 4)) == small)
    #expect(small.scalingRows(by: [2, -1]).entries == [2, 4, 6, 8, 5, -6, -7, -8])
    #expect(small.rowProducts(with: small) == [30, 174])
    #expect(small.isFinite && !DoubleMatrix(rows: 1, columns: 2, [1, .infinity]).isFinite)
    let (a, b, c) = (DoubleMatrix.random(3, 4), DoubleMatrix.random(4, 2), DoubleMatrix.random(3, 2))
    #expect((DoubleMatrix.product(a, b, minus: c) - (a * b - c)).norm <= 1e-14)
    #expect(DoubleMatrix.product(DoubleMatrix(zeros: 3, 0), DoubleMatrix(zeros: 0, 2), minus: c) == -1 * c)
  }

  @Test func aTensorIsChangedInFloat64AndKeptWhereNothingChanges() {
    let start = Tensor([1, -0.0, 3, 1e-8].map { Float($0) }, shape: [2, 2])
    let made = Tensor(start, adding: DoubleMatrix(rows: 2, columns: 2, [0.25, 0, -1, 1]), times: 2)
    #expect(made.floats == [1.5, 0, 1, Float(2 + Double(Float(1e-8)))])
    #expect(made.floats[1].sign == .minus)
  }

  @Test func adamGoesAsFarAsItsRateAtFirst() {
    var descent = MatrixAdam(from: DoubleMatrix(rows: 1, columns: 3, [1, 1, 1]))
    descent.step(against: DoubleMatrix(rows: 1, columns: 3, [100, -0.01, 0]), rate: 0.5)
    for (found, expected) in zip(descent.position.entries, [0.5, 1.5, 1]) { #expect(abs(found - expected) <= 1e-6) }
  }
}
