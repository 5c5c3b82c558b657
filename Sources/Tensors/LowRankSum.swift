import CKernels
import COpenBLAS

/// A tensor plus a number times a product of two thin matrices, of which only some rows are ever multiplied out: start + s · L R.
///
/// Entries are worked out in float64 and rounded once to float32; where the product is zero, an entry stays as it is. The rows that
/// are multiplied out together follow from the shape alone, so the bits do not depend on what is asked for, or in which pieces.
///
/// - Note: Not for several threads at once: it keeps the rows that it multiplied out last.
public final class LowRankSum {
  private let start: Tensor
  private let left: DoubleMatrix
  private let right: DoubleMatrix
  private let scale: Double
  /// Entries of the rows that are multiplied out, and what they are.
  private var panel = 0..<0
  private let products: UnsafeMutablePointer<Double>
  private let panelRows: Int
  /// Entries that are multiplied out together, unless a row has more.
  private static let panelLength = 128 << 10

  /// - Parameters:
  ///   - start: As many entries as L has rows times R columns.
  ///   - left: L, (rows, rank).
  ///   - right: R, (rank, columns).
  public init(_ start: Tensor, adding left: DoubleMatrix, _ right: DoubleMatrix, times scale: Double) {
    precondition(
      left.columns == right.rows && start.count == left.rows * right.columns,
      "\(start.shape) is not changed by \(left.rows)×\(left.columns) times \(right.rows)×\(right.columns)")
    (self.start, self.left, self.right, self.scale) = (start, left, right, scale)
    panelRows = max(1, min(left.rows, Self.panelLength / max(right.columns, 1)))
    products = .allocate(capacity: max(1, panelRows * right.columns))
    BLAS.prepare()
  }

  deinit { products.deallocate() }

  /// The bytes that one holds, beside its factors and what it starts from.
  public static func byteCount(columns: Int) -> Int { 8 * max(panelLength, columns) }

  /// All of it, in float32.
  public var tensor: Tensor {
    Tensor(shape: start.shape) { result in
      if let target = result.baseAddress { _ = write(0..<start.count, into: target, as: .f32) }
    }
  }

  /// Writes a run of its entries, rounded to a dtype that has kernels.
  /// - Returns: Whether all are finite.
  public func write(_ run: Range<Int>, into target: UnsafeMutableRawPointer, as dtype: DType) -> Bool {
    var isFinite = true
    var begin = run.lowerBound
    while begin < run.upperBound {
      if !panel.contains(begin) { multiply(rowsWith: begin) }
      let end = min(begin + Tensor.blockLength, panel.upperBound, run.upperBound)
      let place = target + (begin - run.lowerBound) * dtype.size
      isFinite = write(block: begin..<end, into: place, as: dtype) && isFinite
      begin = end
    }
    return isFinite
  }

  private func write(block: Range<Int>, into target: UnsafeMutableRawPointer, as dtype: DType) -> Bool {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * Tensor.blockLength) { memory in
      guard let entries = memory.baseAddress else { return true }
      let sums = entries + Tensor.blockLength
      var isFinite = true
      start.withStored(block, UnsafeMutableBufferPointer(start: sums, count: Tensor.blockLength)) { stored, dtype in
        isFinite = kernel_widen(entries, stored, dtype.kernelFloat, block.count) == 0
      }
      kernel_add_changes(sums, entries, products + (block.lowerBound - panel.lowerBound), scale, block.count)
      return kernel_narrow(sums, target, dtype.kernelFloat, block.count) == 0 && isFinite
    }
  }

  /// Multiplies out the rows around an entry.
  private func multiply(rowsWith entry: Int) {
    let (columns, rank) = (right.columns, left.columns)
    let first = entry / columns / panelRows * panelRows
    let count = min(panelRows, left.rows - first)
    panel = first * columns..<(first + count) * columns
    guard rank > 0 else { return products.update(repeating: 0, count: panel.count) }
    left.entries.withUnsafeBufferPointer { left in
      right.entries.withUnsafeBufferPointer { right in
        guard let rows = left.baseAddress else { return }
        cblas_dgemm(
          CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(count), blasint(columns), blasint(rank), 1,
          rows + first * rank, blasint(rank), right.baseAddress, blasint(columns), 0, products, blasint(columns))
      }
    }
  }
}
