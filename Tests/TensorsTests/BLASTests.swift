import Testing

@testable import Tensors

@Suite struct BLASTests {
  static let flags = [(false, false), (true, false), (false, true), (true, true)]

  private func multiply(
    _ a: [Float], _ transposingA: Bool, _ b: [Float], _ transposingB: Bool, _ start: [Float], _ sizes: (Int, Int, Int),
    scale: Float = 1, keep: Float = 0
  ) -> [Float] {
    var result = start
    result.withUnsafeMutableBufferPointer { result in
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          BLAS.multiply(
            a, transposingA: transposingA, b, transposingB: transposingB, into: result, rows: sizes.0, columns: sizes.1,
            inner: sizes.2, scale: scale, keep: keep)
        }
      }
    }
    return result
  }

  @Test(
    arguments: [(3, 4, 5), (1, 1, 1), (8, 3, 2), (1, 17, 33), (64, 31, 65)], [(1, 0), (0.5, 0), (2, 1), (-1, 0.25)])
  func productsEqualThePlainOnes(sizes: (Int, Int, Int), factors: (Float, Float)) {
    let (rows, columns, inner) = sizes
    let a = ArithmeticTests.random(rows * inner, "left")
    let b = ArithmeticTests.random(inner * columns, "right")
    let start = ArithmeticTests.random(rows * columns, "result")
    for (transposingA, transposingB) in Self.flags {
      let made = multiply(
        a, transposingA, b, transposingB, start, sizes, scale: factors.0, keep: factors.1)
      for row in 0..<rows {
        for column in 0..<columns {
          var plain = 0.0
          for k in 0..<inner {
            let left = a[transposingA ? k * rows + row : row * inner + k]
            let right = b[transposingB ? column * inner + k : k * columns + column]
            plain += Double(left) * Double(right)
          }
          let place = row * columns + column
          let expected = Double(factors.0) * plain + Double(factors.1) * Double(start[place])
          #expect(abs(Double(made[place]) - expected) < 1e-4)
        }
      }
    }
  }

  @Test func emptyProductsAreZero() {
    #expect(multiply([], false, [], false, [.nan, 1], (1, 2, 0)) == [0, 0])
    #expect(multiply([], false, [], true, [3, 1], (1, 2, 0), keep: 2) == [6, 2])
    #expect(multiply([], false, [1, 2], false, [], (0, 2, 1)) == [])
  }

  @Test func whatTheResultHeldIsForgotten() {
    #expect(multiply([2], false, [3], false, [.nan], (1, 1, 1)) == [6])
  }

  @Test func theSameProductHasTheSameBits() {
    let a = ArithmeticTests.random(200 * 300, "a")
    let b = ArithmeticTests.random(300 * 100, "b")
    let once = multiply(a, false, b, false, [Float](repeating: 0, count: 20_000), (200, 100, 300))
    let again = multiply(a, false, b, false, [Float](repeating: 9, count: 20_000), (200, 100, 300))
    #expect(once == again)
    #expect(!BLAS.kernelName.isEmpty)
  }
}
