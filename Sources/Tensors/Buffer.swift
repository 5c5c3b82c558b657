/// Bytes that nobody changes any more, in memory or mapped from a file.
///
/// - Note: `@unchecked` because of the raw pointer: it is written only in `init(count:fill:)`, before anyone else can hold the
///   buffer, and only read afterwards, so sharing it between threads is safe.
public final class Buffer: @unchecked Sendable {
  private let base: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// Takes over bytes that `release` frees.
  public init(taking base: UnsafeRawBufferPointer, release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
    self.base = base
    self.release = release
  }

  /// Makes bytes, aligned for every vector width, that `fill` writes; it gets them uninitialised and must write them all.
  public convenience init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) rethrows {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    do {
      try fill(bytes)
    } catch {
      bytes.deallocate()
      throw error
    }
    self.init(taking: UnsafeRawBufferPointer(bytes)) { $0.deallocate() }
  }

  deinit { release(base) }

  public var count: Int { base.count }

  @inlinable
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) { try body(bytes) }
  }

  /// Valid only while the buffer is alive; use `withBytes`.
  @usableFromInline
  var bytes: UnsafeRawBufferPointer { base }
}
