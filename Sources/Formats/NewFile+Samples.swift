import Diagnostics
import Foundation

/// Some of a file's bytes as they were when they were written, to be compared with what the disk gives back. Reading all of a large
/// file again would take as long as writing it.
extension NewFile {
  struct Sample: Sendable {
    let offset: Int
    let bytes: [UInt8]
  }

  /// Keeps the first page of bytes that go to an offset, or the last.
  public func keepSample(of bytes: UnsafeRawBufferPointer, at offset: Int, fromEnd: Bool = false) {
    let count = min(Self.pageSize, bytes.count)
    let start = fromEnd ? bytes.count - count : 0
    let kept = Sample(offset: offset + start, bytes: Array(bytes[start..<start + count]))
    samples.withLock { $0.append(kept) }
  }

  /// Reads again what was kept, from the disk where it has been synchronized, and not from the system's cache where that can be helped.
  /// - Throws: `OperationError` of cause `.io` where the file has other bytes now.
  public func checkSamples() throws {
    let samples = samples.withLock { NewFile.joined($0) }
    guard !samples.isEmpty else { return }
    let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw OperationError(writing: path, errno) }
    defer { close(descriptor) }
    #if os(Linux)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    #endif
    for sample in samples {
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

  /// Samples in their order, each with those that follow at once: one tensor's end and the next one's beginning are read together.
  private static func joined(_ samples: [Sample]) -> [Sample] {
    samples.sorted { $0.offset < $1.offset }.reduce(into: []) { joined, sample in
      if let last = joined.last, last.offset + last.bytes.count == sample.offset {
        joined[joined.count - 1] = Sample(offset: last.offset, bytes: last.bytes + sample.bytes)
      } else {
        joined.append(sample)
      }
    }
  }
}
