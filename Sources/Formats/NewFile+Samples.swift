import Diagnostics
import Fingerprints
import Foundation

/// Hashes of some of a file's bytes as they were when they were written, to be compared with what the disk gives back. Reading all
/// of a large file again would take as long as writing it.
extension NewFile {
  struct Sample: Sendable {
    let bytes: Range<Int>
    let hash: Digest
  }

  /// Keeps the hash of the first page of bytes that go to an offset, or of the last.
  public func keepSample(of bytes: UnsafeRawBufferPointer, at offset: Int, fromEnd: Bool = false) {
    let count = min(Self.pageSize, bytes.count)
    let start = fromEnd ? bytes.count - count : 0
    let hash = BLAKE3.hash(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
    samples.withLock { $0.append(Sample(bytes: offset + start..<offset + start + count, hash: hash)) }
  }

  /// Reads again what was kept, from the disk where it has been synchronized, and not from the system's cache where that can be helped.
  /// - Throws: `OperationError` of cause `.io` where the file has other bytes now.
  public func checkSamples() throws {
    let runs = samples.withLock { NewFile.runs($0) }
    guard !runs.isEmpty else { return }
    let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { throw OperationError(writing: path, errno) }
    defer { close(descriptor) }
    #if os(Linux)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
      // So that the disk need not be waited for once for each.
      for (bytes, _) in runs {
        posix_fadvise(descriptor, off_t(bytes.lowerBound), off_t(bytes.count), POSIX_FADV_WILLNEED)
      }
    #endif
    for (bytes, samples) in runs {
      let start = bytes.lowerBound
      var found = [UInt8](repeating: 0, count: bytes.count)
      try found.withUnsafeMutableBytes { bytes in
        let count = retryingInterrupted { pread(descriptor, bytes.baseAddress, bytes.count, off_t(start)) }
        guard count >= 0 else { throw OperationError(writing: path, errno) }
        for sample in samples {
          let place = sample.bytes.lowerBound - start..<sample.bytes.upperBound - start
          let isThere = place.upperBound <= count
          guard isThere, BLAKE3.hash(UnsafeRawBufferPointer(rebasing: bytes[place])) == sample.hash else {
            throw OperationError(
              .io,
              "`\(path)` does not hold what was written to it: its bytes from \(sample.bytes.lowerBound) on are others",
              helps: ["check the disk, then apply again: what is done is kept"])
          }
        }
      }
    }
  }

  /// Samples in their order, each with those that follow at once: one tensor's end and the next one's beginning are read together.
  private static func runs(_ samples: [Sample]) -> [(bytes: Range<Int>, samples: [Sample])] {
    samples.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }.reduce(into: []) { runs, sample in
      if let last = runs.last, last.bytes.upperBound == sample.bytes.lowerBound {
        runs[runs.count - 1] = (last.bytes.lowerBound..<sample.bytes.upperBound, last.samples + [sample])
      } else {
        runs.append((sample.bytes, [sample]))
      }
    }
  }
}
