import COpenBLAS
import Foundation

/// A matrix of float32 in memory that somebody else keeps alive: rows `stride` entries apart.
public struct MatrixView: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let stride: Int
  let isTransposed: Bool

  /// - Parameter isTransposed: Whether what lies in memory is the matrix's transpose.
  public init(_ base: UnsafeMutablePointer<Float>, stride: Int, isTransposed: Bool = false) {
    self.base = base
    self.stride = stride
    self.isTransposed = isTransposed
  }

  public var transposed: MatrixView { MatrixView(base, stride: stride, isTransposed: !isTransposed) }

  /// The matrix from a row and a column on.
  func from(row: Int, column: Int) -> MatrixView {
    let offset = isTransposed ? column * stride + row : row * stride + column
    return MatrixView(base + offset, stride: stride, isTransposed: isTransposed)
  }
}

/// result (rows, columns) = scale · a · b + keep · result, where a is (rows, inner) and b is (inner, columns).
public struct MatrixProduct: Sendable {
  let rows: Int
  let columns: Int
  let inner: Int
  var scale: Float = 1
  /// Where it is 0, the result is only written, whatever it held.
  var keep: Float = 0

  public init(rows: Int, columns: Int, inner: Int, scale: Float = 1, keep: Float = 0) {
    precondition(
      min(rows, columns, inner) >= 0 && max(rows, columns, inner) <= Int(Int32.max),
      "a product's sizes lie from 0 to 2³¹ - 1, not \(rows), \(columns), \(inner)")
    self.rows = rows
    self.columns = columns
    self.inner = inner
    self.scale = scale
    self.keep = keep
  }

  /// Works the product out on the thread that asks.
  ///
  /// - Parameter result: Apart from `a` and `b` in memory, not transposed.
  public func callAsFunction(_ a: MatrixView, _ b: MatrixView, into result: MatrixView) {
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else {
      for row in 0..<rows {
        for column in 0..<columns {
          let place = row * result.stride + column
          result.base[place] = keep == 0 ? 0 : result.base[place] * keep
        }
      }
      return
    }
    BLAS.prepare()
    cblas_sgemm(
      CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans, b.isTransposed ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(inner), scale, a.base, blasint(a.stride), b.base, blasint(b.stride),
      keep, result.base, blasint(result.stride))
  }

  /// Rows or columns that pieces have at least, where there are more than two.
  private static let piece = 256

  /// The same product, shared out over the processors in pieces of its longer side: a power of two of them, so that two processors
  /// have the same to do, and each long enough that it pays to pack the other operand for it. The pieces follow from the sizes
  /// alone, so the bits do not depend on the number of processors.
  public func inPieces(_ a: MatrixView, _ b: MatrixView, into result: MatrixView) {
    let multiplications = Double(rows) * Double(columns) * Double(inner)
    let longer = max(rows, columns)
    let wanted = multiplications < 0x1p22 ? 1 : [2, 4, 8].last { $0 * Self.piece <= longer } ?? 2
    // Whole tiles of registers.
    let length = ((longer + wanted - 1) / wanted + 15) / 16 * 16
    let pieces = length > 0 ? (longer + length - 1) / length : 0
    guard pieces > 1 else { return self(a, b, into: result) }
    BLAS.prepare()
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let start = piece * length
      let count = min(length, longer - start)
      if rows >= columns {
        let part = MatrixProduct(rows: count, columns: columns, inner: inner, scale: scale, keep: keep)
        part(a.from(row: start, column: 0), b, into: result.from(row: start, column: 0))
      } else {
        let part = MatrixProduct(rows: rows, columns: count, inner: inner, scale: scale, keep: keep)
        part(a, b.from(row: 0, column: start), into: result.from(row: 0, column: start))
      }
    }
  }
}
