import COpenBLAS
import Foundation

/// Matrix products through OpenBLAS, on one thread each: its bits depend on the number of threads, so that is fixed.
public enum BLAS {
  private static let isSetUp: Void = {
    openblas_set_num_threads(1)
    // Loading OpenBLAS starts a thread a processor, which wait by turning: without this, they cost more than a small run.
    typealias StopThreads = @convention(c) () -> CInt
    guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "blas_thread_shutdown_") else { return }
    _ = unsafeBitCast(symbol, to: StopThreads.self)()
  }()

  /// Sets BLAS up for this process. Everything here does it by itself; a program that may need none of it calls this
  /// first of all, to be rid of the threads that loading OpenBLAS started.
  public static func prepare() { _ = isSetUp }

  /// The kind of processor whose kernels OpenBLAS uses; products can differ in their last bits between kinds.
  public static let kernelName: String = {
    _ = isSetUp
    return String(cString: openblas_get_corename())
  }()

  /// result (rows, columns) = scale · a · b + keep · result, all row-major and without gaps.
  ///
  /// - Parameters:
  ///   - a: (rows, inner), or (inner, rows) where `transposingA`.
  ///   - b: (inner, columns), or (columns, inner) where `transposingB`.
  ///   - result: Apart from `a` and `b` in memory. Where `keep` is 0 it is only written, whatever it held.
  public static func multiply(
    _ a: UnsafeBufferPointer<Float>, transposingA: Bool = false, _ b: UnsafeBufferPointer<Float>,
    transposingB: Bool = false, into result: UnsafeMutableBufferPointer<Float>, rows: Int, columns: Int, inner: Int,
    scale: Float = 1, keep: Float = 0
  ) {
    precondition(
      min(rows, columns, inner) >= 0 && max(rows, columns, inner) <= Int(Int32.max),
      "a product's sizes lie from 0 to 2³¹ - 1, not \(rows), \(columns), \(inner)")
    precondition(
      a.count >= rows * inner && b.count >= inner * columns && result.count >= rows * columns,
      "a product's operands hold as many entries as its sizes say")
    guard rows > 0, columns > 0 else { return }
    guard inner > 0 else {
      for index in 0..<rows * columns { result[index] = keep == 0 ? 0 : result[index] * keep }
      return
    }
    _ = isSetUp
    cblas_sgemm(
      CblasRowMajor, transposingA ? CblasTrans : CblasNoTrans, transposingB ? CblasTrans : CblasNoTrans,
      blasint(rows), blasint(columns), blasint(inner), scale, a.baseAddress, blasint(transposingA ? rows : inner),
      b.baseAddress, blasint(transposingB ? inner : columns), keep, result.baseAddress, blasint(columns))
  }

  /// result (rows, columns) += aᵀ · b in float64, all row-major: a is (inner, rows), b is (inner, columns).
  public static func accumulate(
    _ a: UnsafeBufferPointer<Double>, transposedTimes b: UnsafeBufferPointer<Double>,
    into result: UnsafeMutableBufferPointer<Double>, rows: Int, columns: Int, inner: Int
  ) {
    precondition(
      a.count >= rows * inner && b.count >= inner * columns && result.count >= rows * columns,
      "a product's operands hold as many entries as its sizes say")
    guard rows > 0, columns > 0, inner > 0 else { return }
    _ = isSetUp
    cblas_dgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, a.baseAddress,
      blasint(rows), b.baseAddress, blasint(columns), 1, result.baseAddress, blasint(columns))
  }
}
