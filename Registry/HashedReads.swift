import Fingerprints
import Operations
import Synchronization
import Tensors

/// Hashes tensors of outside files while somebody reads them, so that files of which nothing is known need not be read for that
/// alone.
///
/// A tensor's digest is known once runs have gone over it from its first byte to its last; others in between, before or again do no
/// harm. What was not read like that is hashed when it is asked for.
public final class HashedReads: Sendable {
  private let registry: Registry
  private let digests = Mutex<[TensorSlice: Digest]>([:])

  public init(_ registry: Registry) { self.registry = registry }

  /// The same content: whoever reads its tensors that lie in outside files has them hashed.
  /// - Throws: `OperationError`.
  public func hashing(_ content: Content) throws -> Content {
    var content = content
    for stamp in Set(content.tensors.compactMap(\.file?.stamp)) { try Registry.waitForClock(after: stamp) }
    content.tensors = content.tensors.map { entry in
      entry.file.map { hashing(entry, TensorSlice(dtype: entry.dtype, shape: entry.shape, slice: $0)) } ?? entry
    }
    return content
  }

  /// Remembers the digests of all that was read from beginning to end.
  /// - Throws: `OperationError`.
  public func remember() throws {
    let digests = digests.withLock { $0.sorted { $0.key.slice.offset < $1.key.slice.offset } }
    try registry.index.write { index in
      for (tensor, digest) in digests { try index.insertLocation(tensor, digest) }
    }
  }

  private func hashing(_ entry: TensorEntry, _ tensor: TensorSlice) -> TensorEntry {
    TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape, file: entry.file) { [self] in
      guard let read = try entry.runs() else { return nil }
      if knows(tensor) { return read }
      var hasher = BLAKE3()
      var hashed = 0
      return { [self] run, bytes in
        try read(run, bytes)
        guard run.contains(hashed) else { return }
        let start = (hashed - run.lowerBound) * entry.dtype.size
        hasher.update(UnsafeRawBufferPointer(rebasing: bytes[start..<run.count * entry.dtype.size]))
        hashed = run.upperBound
        if hashed == entry.shape.count { add(tensor, hasher.finalize()) }
      }
    } load: { [self] in
      let loaded = try entry.load()
      if !knows(tensor) { loaded.withBytes { add(tensor, BLAKE3.hash($0)) } }
      return loaded
    }
  }

  private func knows(_ tensor: TensorSlice) -> Bool { digests.withLock { $0[tensor] != nil } }

  private func add(_ tensor: TensorSlice, _ bytes: Digest) {
    digests.withLock { $0[tensor] = .tensor(tensor.dtype, tensor.shape, bytes: bytes) }
  }
}
