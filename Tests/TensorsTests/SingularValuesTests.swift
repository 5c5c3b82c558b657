import Foundation
import Testing

@testable import Tensors

@Suite struct SingularValuesTests {
  private func random(_ rows: Int, _ columns: Int) -> DoubleMatrix {
    DoubleMatrix(
      rows: rows, columns: columns, ArithmeticTests.random(rows * columns, "matrix \(rows) \(columns)").map(Double.init)
    )
  }

  private func identity(_ size: Int) -> DoubleMatrix {
    var result = DoubleMatrix(zeros: size, size)
    for index in 0..<size { result[index, index] = 1 }
    return result
  }

  @Test(arguments: [(1, 1), (5, 5), (7, 3), (3, 8), (1, 9), (9, 1), (40, 33)])
  func theyGiveTheMatrixBack(rows: Int, columns: Int) throws {
    let matrix = random(rows, columns)
    let found = try #require(SingularValues(matrix))
    let size = min(rows, columns)
    #expect((found.matrix - matrix).norm <= 1e-13 * matrix.norm)
    #expect((DoubleMatrix.product(transposed: found.left, found.left) - identity(size)).norm <= 1e-13)
    #expect((DoubleMatrix.product(found.right, transposed: found.right) - identity(size)).norm <= 1e-13)
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
    let matrix = random(6, 2) * random(2, 5)
    let found = try #require(SingularValues(matrix))
    #expect(found.values.dropFirst(2).allSatisfy { $0 <= 1e-14 * found.values[0] })
    #expect((found.first(2).matrix - matrix).norm <= 1e-13 * matrix.norm)
    let polar = try #require(SingularValues(random(6, 4))).polarFactor
    #expect((DoubleMatrix.product(transposed: polar, polar) - identity(4)).norm <= 1e-13)
  }

  @Test func productsAreThePlainOnes() {
    let (a, b) = (random(4, 3), random(3, 5))
    var plain = DoubleMatrix(zeros: 4, 5)
    for row in 0..<4 { for column in 0..<5 { for k in 0..<3 { plain[row, column] += a[row, k] * b[k, column] } } }
    #expect((a * b - plain).norm <= 1e-14)
    #expect(DoubleMatrix.beside([a, a]).firstColumns(3) == a && DoubleMatrix.stacked([b, b]).firstRows(3) == b)
  }
}
