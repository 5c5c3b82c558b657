import Fingerprints
import Formats
import Operations
import Tensors

/// Where in a new file a tensor goes.
struct TensorPlace: Sendable {
  let file: NewFile
  let offset: Int
  /// Whether several threads hash it together.
  var isShared = false
  /// Whether some of the bytes are kept, to be compared with what the disk gives back.
  var isSampled = false

  /// Of each so many bytes one page is kept, and each tensor's first and last.
  private static let sampledLength = 16 << 20

  /// Writes a tensor that is at hand.
  func write(_ tensor: Tensor) throws -> Digest {
    try tensor.withBytes { bytes in
      try file.write(bytes, at: offset)
      if isSampled, !bytes.isEmpty {
        file.keepSample(of: bytes, at: offset)
        file.keepSample(of: bytes, at: offset, fromEnd: true)
      }
      return .tensor(tensor.dtype, tensor.shape, bytes: BLAKE3.hash(bytes, parallel: isShared))
    }
  }

  /// Computes a tensor and writes it: run by run where that is possible, each hashed while it is in the cache, and
  /// written while the next ones are made.
  func write(_ entry: TensorEntry, _ progress: ByteProgress) throws -> Digest {
    guard let read = try entry.runs() else {
      let tensor = try entry.load()
      precondition(
        tensor.dtype == entry.dtype && tensor.shape == entry.shape,
        "`\(entry.name)` came out as \(tensor.dtype.rawValue) \(tensor.shape), not \(entry.dtype.rawValue) \(entry.shape)"
      )
      defer { progress.add(tensor.byteCount) }
      return try write(tensor)
    }
    var hasher = BLAKE3()
    let writer = SequentialWriter(file, at: offset)
    var untold = 0
    var unsampled = Self.sampledLength
    for start in stride(from: 0, to: entry.shape.count, by: TensorEntry.runLength) {
      let run = start..<min(start + TensorEntry.runLength, entry.shape.count)
      let count = run.count * entry.dtype.size
      try writer.add(count) { bytes in
        try read(run, bytes)
        hasher.update(UnsafeRawBufferPointer(bytes))
        guard isSampled else { return }
        let place = offset + start * entry.dtype.size
        if unsampled >= Self.sampledLength {
          file.keepSample(of: UnsafeRawBufferPointer(bytes), at: place)
          unsampled = 0
        }
        if run.upperBound == entry.shape.count {
          file.keepSample(of: UnsafeRawBufferPointer(bytes), at: place, fromEnd: true)
        }
      }
      untold += count
      unsampled += count
      if untold >= 16 << 20 || run.upperBound == entry.shape.count {
        progress.add(untold)
        untold = 0
      }
    }
    try writer.finish()
    return .tensor(entry.dtype, entry.shape, bytes: hasher.finalize())
  }
}
