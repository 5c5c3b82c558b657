import Foundation
import Testing

@testable import Tensors

@Suite struct SingularValuesTests {
  @Test(arguments: [(1, 1), (5, 5), (7, 3), (3, 8), (1, 9), (9, 1), (40, 33)])
  func theyGiveTheMatrixBack(rows: Int, columns: Int) throws {
    let matrix = DoubleMatrix.random(rows, columns)
    let found = try #require(SingularValues(matrix))
    let size = min(rows, columns)
    #expect((found.matrix - matrix).norm <= 1e-13 * matrix.norm)
    #expect((DoubleMatrix.product(transposed: found.left, found.left) - DoubleMatrix.identity(size)).norm <= 1e-13)
    #expect((DoubleMatrix.product(found.right, transposed: found.right) - DoubleMatrix.identity(size)).norm <= 1e-13)
    #expect(found.values == found.values.sorted(by: >) && found.values.allSatisfy { $0 >= 0 })
    for vector in 0..<size {
      let column = (0..<rows).map { found.left[$0, vector] }
      #expect(column.first { $0.magnitude == column.map(\.magnitude).max() } ?? 0 > 0)
    }
  }

  @Test func emptyAndZeroMatricesHaveThemToo() throws {
    #expect(try #require(SingularValues(DoubleMatrix(zeros: 0, 4))).values.isEmpty)
    let zero = try #require(SingularValues(DoubleMatrix(zeros: 3, 2)))
    #expect(zero.values == [0, 0] && zero.matrix.norm == 0)
    #expect(SingularValues(DoubleMatrix(rows: 1, columns: 2, [.nan, 1])) == nil)
  }

  @Test func aMatrixOfLowRankHasNoMore() throws {
    let matrix = DoubleMatrix.random(6, 2) * DoubleMatrix.random(2, 5)
    let found = try #require(SingularValues(matrix))
    #expect(found.values.dropFirst(2).allSatisfy { $0 <= 1e-14 * found.values[0] })
    #expect((found.first(2).matrix - matrix).norm <= 1e-13 * matrix.norm)
    let polar = try #require(SingularValues(DoubleMatrix.random(6, 4))).polarFactor
    #expect((DoubleMatrix.product(transposed: polar, polar) - DoubleMatrix.identity(4)).norm <= 1e-13)
  }

  @Test func productsAreThePlainOnes() {
    let (a, b) = (DoubleMatrix.random(4, 3), DoubleMatrix.random(3, 5))
    var plain = DoubleMatrix(zeros: 4, 5)
    for row in 0..<4 { for column in 0..<5 { for k in 0..<3 { plain[row, column] += a[row, k] * b[k, column] } } }
    #expect((a * b - plain).norm <= 1e-14)
    #expect(DoubleMatrix.beside([a, a]).firstColumns(3) == a && DoubleMatrix.stacked([b, b]).firstRows(3) == b)
  }

  @Test func equalValuesDoNotStopThem() throws {
    for matrix in [
      DoubleMatrix.identity(7), 3 * DoubleMatrix.identity(4), OrthogonalTriangular(.random(9, 5)).orthonormal,
    ] {
      let found = try #require(SingularValues(matrix))
      #expect(found.values.allSatisfy { abs($0 - found.values[0]) <= 1e-14 * found.values[0] })
      #expect((found.matrix - matrix).norm <= 1e-13)
      #expect((1 / found.values[0] * matrix - found.polarFactor).norm <= 1e-13)
      #expect(try #require(SingularValues(matrix)).left == found.left)
    }
  }

  @Test func largeAndSmallEntriesKeepTheirPrecision() throws {
    let matrix = DoubleMatrix.random(6, 4)
    let plain = try #require(SingularValues(matrix)).values
    for scale in [1e-200, 1e-30, 1e30, 1e200] {
      let values = try #require(SingularValues(scale * matrix)).values
      for (value, expected) in zip(values, plain) { #expect(abs(value / scale - expected) <= 1e-13 * plain[0]) }
    }
    #expect(SingularValues(DoubleMatrix(rows: 2, columns: 2, [1, 2, .infinity, 4])) == nil)
  }

  @Test func aPolarFactorTakesNothingToWhereItsMatrixTakesNothing() throws {
    let (a, b) = (DoubleMatrix.random(8, 3), DoubleMatrix.random(3, 6))
    let polar = try #require(SingularValues(a * b)).polarFactor
    // A partial isometry of rank 3: P · Pᵀ is the projection onto a's columns.
    let projection = DoubleMatrix.product(polar, transposed: polar)
    #expect((projection * projection - projection).norm <= 1e-12)
    #expect((projection * a - a).norm <= 1e-12 * a.norm)
    #expect(abs((0..<8).reduce(0) { $0 + projection[$1, $1] } - 3) <= 1e-12)
    #expect(try #require(SingularValues(DoubleMatrix(zeros: 4, 2))).polarFactor == DoubleMatrix(zeros: 4, 2))
    #expect(try #require(SingularValues(DoubleMatrix(zeros: 2, 0))).polarFactor == DoubleMatrix(zeros: 2, 0))
  }

  @Test func valuesUpToALevelAreLeftOutWithTheirVectors() throws {
    let found = try #require(SingularValues(DoubleMatrix(rows: 2, columns: 3, [5, 0, 0, 0, 2, 0])))
    let upper = found.above(2)
    #expect(
      upper.values == [5, 0] && upper.left.entries == [1, 0, 0, 0] && upper.right.entries == [1, 0, 0, 0, 0, 0])
    #expect(found.above(5).values == [0, 0] && found.above(1).values == [5, 2])
    #expect(found.withoutRounding.values == [5, 2])
  }

  @Test func theRoomThatTheyTakeIsThatOfTheirMatrices() {
    #expect(SingularValues.byteCount(rows: 0, columns: 9) == 0)
    for (rows, columns) in [(1, 1), (100, 100), (300, 20), (20, 300)] {
      let count = min(rows, columns)
      let bytes = SingularValues.byteCount(rows: rows, columns: columns)
      #expect(bytes >= 8 * (rows * columns + (rows + columns) * count + 3 * count * count))
      #expect(bytes <= 8 * (rows * columns + 2 * (rows + columns) * count + 5 * count * count + 200 * (rows + columns)))
    }
  }
}

extension DoubleMatrix {
  static func random(_ rows: Int, _ columns: Int) -> DoubleMatrix {
    DoubleMatrix(
      rows: rows, columns: columns, ArithmeticTests.random(rows * columns, "matrix \(rows) \(columns)").map(Double.init)
    )
  }

  static func identity(_ size: Int) -> DoubleMatrix {
    var result = DoubleMatrix(zeros: size, size)
    for index in 0..<size { result[index, index] = 1 }
    return result
  }
}
