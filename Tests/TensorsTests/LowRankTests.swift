import Testing

@testable import Tensors

@Suite struct LowRankTests {
  /// A matrix whose singular values fall as 1, 1/2, 1/3, ….
  private func falling(_ rows: Int, _ columns: Int) -> DoubleMatrix {
    let count = min(rows, columns)
    let left = OrthogonalTriangular(.random(rows, count)).orthonormal
    let right = OrthogonalTriangular(.random(columns, count)).orthonormal
    return left.scalingColumns(by: (1...count).map { 1 / Double($0) }) * right.transposed
  }

  @Test func theExactOneErrsByTheValuesItLeavesOut() throws {
    let matrix = falling(30, 20)
    let found = try #require(LowRank(matrix, rank: 5))
    #expect(found.factors.values.count == 5)
    let squares = (1...20).map { 1 / Double($0 * $0) }
    let expected = (squares.dropFirst(5).reduce(0, +) / squares.reduce(0, +)).squareRoot()
    #expect(abs(found.relativeError - expected) <= 1e-12)
  }

  @Test(arguments: [(200, 120), (120, 200)]) func theSketchIsNearlyAsNear(rows: Int, columns: Int) throws {
    let matrix = falling(rows, columns)
    let exact = try #require(LowRank(matrix, rank: 8))
    let sketch = try #require(LowRank(sketching: matrix, rank: 8, from: Generator(seed: 3, stream: "test")))
    #expect(sketch.relativeError >= exact.relativeError && sketch.relativeError <= 1.001 * exact.relativeError)
    for (value, expected) in zip(sketch.factors.values, exact.factors.values) {
      #expect(abs(value - expected) <= 1e-3 * expected)
    }
    let square = DoubleMatrix.product(transposed: sketch.factors.left, sketch.factors.left)
    #expect((square - .identity(8)).norm <= 1e-12)
    #expect(sketch.factors.left.columnSigns.allSatisfy { $0 == 1 })
  }

  @Test func powerIterationsBringItNearer() throws {
    let matrix = falling(200, 120)
    let errors = try [0, 1, 4].map { iterations in
      let found = LowRank(
        sketching: matrix, rank: 8, powerIterations: iterations, oversampling: 2, from: Generator(seed: 1, stream: ""))
      return try #require(found).relativeError
    }
    #expect(errors[0] > errors[1] && errors[1] > errors[2])
  }

  @Test func aMatrixOfThatRankIsFoundWhole() throws {
    let matrix = DoubleMatrix.random(90, 4) * DoubleMatrix.random(4, 70)
    let sketch = try #require(LowRank(sketching: matrix, rank: 4, from: Generator(seed: 1, stream: "")))
    #expect(sketch.relativeError <= 1e-13)
    #expect(try #require(LowRank(matrix, rank: 4)).relativeError <= 1e-13)
    let more = try #require(LowRank(sketching: matrix, rank: 9, from: Generator(seed: 1, stream: "")))
    #expect(
      more.relativeError <= 1e-13 && more.factors.values[4...].allSatisfy { $0 <= 1e-12 * more.factors.values[0] })
  }

  @Test func tensorsHaveThemTheSameForTheSameSeedAndName() throws {
    let tensor = Tensor(falling(100, 80).entries.map { Float($0) }, shape: [100, 80])
    let one = try #require(tensor.lowRank(rank: 3, seed: 7, name: "a"))
    let again = try #require(tensor.lowRank(rank: 3, seed: 7, name: "a"))
    let other = try #require(tensor.lowRank(rank: 3, seed: 7, name: "b"))
    #expect(one.factors.left == again.factors.left && one.factors.right == again.factors.right)
    #expect(one.factors.left != other.factors.left)
    #expect(try #require(tensor.lowRank(rank: 3)).relativeError <= one.relativeError)
    // Where a sketch would be no smaller than the matrix, the two are one.
    #expect(
      try #require(tensor.lowRank(rank: 70, seed: 7, name: "a")).factors.left
        == #require(tensor.lowRank(rank: 70)).factors.left)
  }

  @Test func ranksAndMatricesAtTheirEnds() throws {
    let nothing = try #require(LowRank(.random(5, 3), rank: 0))
    #expect(nothing.factors.values.isEmpty && nothing.relativeError == 1)
    #expect(try #require(LowRank(.random(5, 3), rank: 9)).factors.values.count == 3)
    #expect(try #require(LowRank(DoubleMatrix(zeros: 40, 30), rank: 2)).relativeError == 0)
    let zeros = LowRank(sketching: DoubleMatrix(zeros: 40, 30), rank: 2, from: Generator(seed: 1, stream: ""))
    #expect(try #require(zeros).factors.values == [0, 0])
    #expect(try #require(LowRank(DoubleMatrix(zeros: 0, 4), rank: 2)).factors.values.isEmpty)
    #expect(Tensor([Float.nan, 1], shape: [1, 2]).lowRank(rank: 1) == nil)
    #expect(
      Tensor([Float](repeating: .nan, count: 1600), shape: [40, 40]).lowRank(rank: 1, seed: 1, name: "") == nil)
  }
}
