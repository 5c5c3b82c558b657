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
  private let windowLength: Int
  private let memory: UnsafeMutableRawBufferPointer
  /// Fewer than any block has.
  private static let fewEntries = 33
  private var window = 0..<0
  /// Why some entries could not be read; the first of several.
  public private(set) var failure: (any Error)?
  /// Whether an entry that was read is NaN or infinite.
  public private(set) var hasStrays = false

  /// - Parameters:
  ///   - dtype: One that has kernels.
  ///   - windowLength: Entries that are held.
  public init(dtype: DType, count: Int, windowLength: Int, reader: @escaping Reader) {
    self.dtype = dtype
    self.count = count
    self.windowLength = max(windowLength, Tensor.blockLength)
    self.reader = reader
    memory = .allocate(byteCount: min(self.windowLength, max(count, 1)) * dtype.size, alignment: 64)
  }

  deinit { memory.deallocate() }

  /// The bytes of a run of entries, read unless they are held.
  func withBytes<Result>(of run: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let isHeld = run.lowerBound >= window.lowerBound && run.upperBound <= window.upperBound
    // A few entries here and there are read alone, and so is what no window holds.
    if !isHeld, run.count < TensorStream.fewEntries || run.count > windowLength { return try withRun(run, body) }
    if !isHeld {
      // Windows begin at whole multiples, so that one that goes over blocks reads everything once.
      let start = run.lowerBound / windowLength * windowLength
      let isWhole = run.upperBound <= start + windowLength
      window = isWhole ? start..<min(start + windowLength, count) : run
      read(window, UnsafeMutableRawBufferPointer(rebasing: memory[..<(window.count * dtype.size)]))
    }
    let first = (run.lowerBound - window.lowerBound) * dtype.size
    return try body(UnsafeRawBufferPointer(rebasing: memory[first..<first + run.count * dtype.size]))
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
