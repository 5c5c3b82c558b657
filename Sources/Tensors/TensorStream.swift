import CKernels

/// The entries of a tensor that are read from where they lie when they are looked at, a window at a time.
///
/// Whatever goes over a tensor in blocks goes over a stream too, and no more than a window is held. A window that cannot be
/// read is all zeros and `failure` says why, so that the loops over blocks need not fail: whoever began the stream asks once
/// they are through.
///
/// - Note: `@unchecked` because nothing is locked: a stream belongs to the thread that makes one tensor of a result.
public final class TensorStream: @unchecked Sendable {
  /// Writes the bytes of a run of entries.
  public typealias Reader = (_ run: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) throws -> Void

  public let dtype: DType
  let count: Int
  private let reader: Reader
  private let memory: UnsafeMutableRawBufferPointer
  /// Entries that a window holds: as many as stay in the second cache, with what is worked out from them.
  public static let windowLength = 64 << 10
  /// Fewer than any block has.
  private static let fewEntries = 33
  private var window = 0..<0
  /// Why some entries could not be read; the first of several.
  public private(set) var failure: (any Error)?
  /// Whether an entry that was read is NaN or infinite.
  public private(set) var hasStrays = false

  /// - Parameter dtype: One that has kernels.
  public init(dtype: DType, count: Int, reader: @escaping Reader) {
    self.dtype = dtype
    self.count = count
    self.reader = reader
    memory = .allocate(byteCount: min(TensorStream.windowLength, max(count, 1)) * dtype.size, alignment: 64)
  }

  deinit { memory.deallocate() }

  /// The bytes of a run of entries, read unless they are held.
  func withBytes<Result>(of run: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    // A few entries here and there are read alone, and so is what no window holds.
    let isOdd = run.count < TensorStream.fewEntries || run.count > TensorStream.windowLength
    if isOdd, !isHeld(run) { return try withRun(run, body) }
    return try body(UnsafeRawBufferPointer(start: place(of: run), count: run.count * dtype.size))
  }

  /// Where a run of entries lies that fits a window, until another run is looked at.
  func place(of run: Range<Int>) -> UnsafeRawPointer {
    let length = TensorStream.windowLength
    precondition(run.count <= length, "a window of \(length) entries does not hold \(run.count)")
    if !isHeld(run) {
      // Windows begin at whole multiples, so that one that goes over blocks reads everything once.
      let start = run.lowerBound / length * length
      let isWhole = run.upperBound <= start + length
      window = isWhole ? start..<min(start + length, count) : run
      read(window, UnsafeMutableRawBufferPointer(rebasing: memory[..<(window.count * dtype.size)]))
    }
    guard let memory = memory.baseAddress else { preconditionFailure("a window has room") }
    return UnsafeRawPointer(memory) + (run.lowerBound - window.lowerBound) * dtype.size
  }

  private func isHeld(_ run: Range<Int>) -> Bool {
    run.lowerBound >= window.lowerBound && run.upperBound <= window.upperBound
  }

  private func withRun<Result>(
    _ run: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try withUnsafeTemporaryAllocation(byteCount: run.count * dtype.size, alignment: 64) { bytes in
      read(run, bytes)
      return try body(UnsafeRawBufferPointer(bytes))
    }
  }

  private func read(_ run: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) {
    do {
      guard failure == nil else { throw CancellationError() }
      try reader(run, bytes)
      if let entries = bytes.baseAddress, kernel_has_strays(entries, dtype.kernelFloat, run.count) != 0 {
        hasStrays = true
      }
    } catch {
      failure = failure ?? error
      bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }
  }
}
