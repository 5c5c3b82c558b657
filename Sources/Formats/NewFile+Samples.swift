import Diagnostics
import Foundation

/// Some of a file's bytes as they were when they were written, to be compared with what the disk gives back. Reading all of a large
/// file again would take as long as writing it.
extension NewFile {
  struct Sample: Sendable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// Keeps the first and the last page of bytes that go to an offset.
  public func keepSample(of bytes: UnsafeRawBufferPointer, at offset: Int) {
    let page = Self.pageSize
    var kept = [Sample(offset: offset, bytes: Array(bytes.prefix(page)))]
    if bytes.count > page { kept.append(Sample(offset: offset + bytes.count - page, bytes: Array(bytes.suffix(page)))) }
    samples.withLock { $0 += kept }
  }

  /// Reads again what was kept, from the disk where it has been synchronized, and not from the system's cache where that can be helped.
  /// - Throws: `OperationError` of cause `.io` where the file has other bytes now.
  public func checkSamples() throws {
    let samples = samples.withLock { $0 }
    guard !samples.isEmpty else { return }
    let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw OperationError(writing: path, errno) }
    defer { close(descriptor) }
    #if os(Linux)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    #endif
    for sample in samples.sorted(by: { $0.offset < $1.offset }) {
      var found = [UInt8](repeating: 0, count: sample.bytes.count)
      let count = found.withUnsafeMutableBytes { bytes in
        retryingInterrupted { pread(descriptor, bytes.baseAddress, bytes.count, off_t(sample.offset)) }
      }
      guard count >= 0 else { throw OperationError(writing: path, errno) }
      guard count == sample.bytes.count, found == sample.bytes else {
        throw OperationError(
          .io, "`\(path)` does not hold what was written to it: its bytes from \(sample.offset) on are others",
          helps: ["check the disk, then apply again: what is done is kept"])
      }
    }
  }
}
