import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors

extension Registry {
  /// The digest of an outside file's content, computed once for as long as the file stays as it is.
  ///
  /// Of a safetensors file every tensor is hashed on its own and its place remembered, so storing the model reads
  /// nothing again.
  /// - Throws: `OperationError`: missing, changed while it was read, interrupted.
  public func fingerprint(file path: String, isCancelled: @Sendable () -> Bool = { false }) throws -> Digest {
    let path = Registry.absolute(path)
    if let stamp = FileStamp(path: path), let known = try index.read({ try $0.digest(of: path, stamp) }) {
      return known
    }
    let file = try File(path)
    try Self.waitForClock(after: file.stamp)
    let digest =
      try model(path, file.stamp, isCancelled)
      ?? hash(file, from: 0, count: file.stamp.size, isShared: true, isCancelled: isCancelled)
    try file.checkUnchanged(since: file.stamp)
    if !isReadOnly {
      try index.write { index in
        try index.run("UPDATE file SET digest = ? WHERE id = ?", digest, try index.file(path, file.stamp))
      }
    }
    return digest
  }

  /// Whether the digest of an outside file's content is known already.
  public func isFingerprinted(file path: String) throws -> Bool {
    let path = Registry.absolute(path)
    guard let stamp = FileStamp(path: path) else { return false }
    return try index.read { try $0.digest(of: path, stamp) != nil }
  }

  /// The digest of a safetensors file, by its header and its tensors; nil for any other file.
  private func model(_ path: String, _ stamp: FileStamp, _ isCancelled: @Sendable () -> Bool) throws -> Digest? {
    // What is wrong with a damaged one, the operation that reads it says better.
    guard path.hasSuffix(".safetensors"), let model = try? SafetensorsFile(path), model.stamp == stamp else {
      return nil
    }
    let tensors = model.header.entries.map {
      TensorSlice(dtype: $0.dtype, shape: $0.shape, slice: model.slice(of: $0))
    }
    let digests = try digestsInPlace(tensors, isCancelled: isCancelled)
    var encoder = FingerprintEncoder(domain: "mergekit-model-file/1")
    let headerLength = stamp.size - (model.header.entries.last?.bytes.upperBound ?? 0)
    encoder.add(BLAKE3.hash(try File(path).read(at: 0, count: headerLength)))
    for digest in digests { encoder.add(digest) }
    return encoder.digest
  }

  /// The digests of tensors in outside files; those that are not known yet are read, and remembered.
  func digestsInPlace(_ tensors: [TensorSlice], isCancelled: @Sendable () -> Bool) throws -> [Digest] {
    let known = try index.read { index in try tensors.map { try index.digest(of: $0) } }
    let unknown = tensors.indices.filter { known[$0] == nil }
    guard !unknown.isEmpty else { return known.compactMap { $0 } }
    for stamp in Set(unknown.map { tensors[$0].slice.stamp }) { try Self.waitForClock(after: stamp) }
    let found = try hash(unknown.map { tensors[$0] }, isCancelled: isCancelled)
    if !isReadOnly {
      try index.write { index in
        for (number, digest) in zip(unknown, found) { try index.insertLocation(tensors[number], digest) }
      }
    }
    var next = found.makeIterator()
    return known.compactMap { $0 ?? next.next() }
  }

  /// Waits until a change would show: the clock of a file system ticks every few milliseconds, and a file that changed
  /// in this very tick could change again under the same stamp.
  static func waitForClock(after stamp: FileStamp) throws {
    let now = Int(Date().timeIntervalSince1970 * 1e9)
    let (age, overflows) = now.subtractingReportingOverflow(stamp.changed)
    if !overflows, abs(age) < 20_000_000 { usleep(20_000) }
  }
}

extension Connection {
  private static let sameStamp = "path = ? AND device = ? AND inode = ? AND size = ? AND modified = ? AND changed = ?"

  /// The digest of a file's content, where it is known for this very state.
  fileprivate func digest(of path: String, _ stamp: FileStamp) throws -> Digest? {
    try row(
      "SELECT digest FROM file WHERE \(Self.sameStamp) AND digest IS NOT NULL", path, stamp.device, stamp.inode,
      stamp.size, stamp.modified, stamp.changed
    ) { try $0.digest(0) }
  }

  /// The digest of a tensor in a file, where it is known for this very state.
  fileprivate func digest(of tensor: TensorSlice) throws -> Digest? {
    let (path, stamp) = (tensor.slice.path, tensor.slice.stamp)
    return try first(
      """
      SELECT tensor.digest, seal FROM file JOIN location ON location.file = file.id JOIN tensor ON tensor.id = tensor
      WHERE \(Self.sameStamp) AND start = ? AND dtype = ? AND shape = ?
      """, path, stamp.device, stamp.inode, stamp.size, stamp.modified, stamp.changed, tensor.slice.offset,
      tensor.dtype.rawValue, tensor.shape.json.compact
    ) { row in
      let digest = try row.digest(0)
      guard try row.integer(1) == Location.seal(digest, path, tensor.slice.offset) else {
        throw row.damaged("a location", 1)
      }
      return digest
    }
  }

  func insertLocation(_ tensor: TensorSlice, _ digest: Digest) throws {
    let path = tensor.slice.path
    try insertLocation(
      self.tensor(digest, tensor.dtype, tensor.shape), digest, file: file(path, tensor.slice.stamp), path: path,
      start: tensor.slice.offset)
  }
}
