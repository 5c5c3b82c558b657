import Diagnostics
import Fingerprints
import Formats
import Operations
import Tensors

/// A folder outside the registry that is to hold an artifact's tensors, so that they are written once: the registry then
/// knows where they lie and holds no copy. When the folder goes or changes, what was in it is made anew.
public struct Placement: Sendable {
  let layout: FolderLayout
  /// An empty folder beside where it is to be.
  let folder: String
  /// Given what the folder now holds, moves it to where it is to be, and returns its path.
  let publish: @Sendable (_ artifact: Digest) throws -> String
  /// Removes the folder where it was not moved.
  let discard: @Sendable () -> Void

  public init(
    _ layout: FolderLayout, in folder: String, publish: @escaping @Sendable (_ artifact: Digest) throws -> String,
    discard: @escaping @Sendable () -> Void
  ) {
    self.layout = layout
    self.folder = folder
    self.publish = publish
    self.discard = discard
  }
}

extension Registry {
  /// Computes a content's tensors into a placement's folder, publishes it and remembers where they lie.
  /// - Parameter missing: The parts whose bytes lie nowhere yet; the others are copied.
  /// - Returns: The digests of the missing tensors, by part.
  func place(
    _ content: Content, _ manifest: Manifest, missing: Set<Int>, _ placement: Placement,
    _ progress: @escaping @Sendable (Int, Int) -> Void, _ isCancelled: @Sendable () -> Bool
  ) throws -> [(part: Int, digest: Digest)] {
    let parts = Dictionary(uniqueKeysWithValues: content.tensors.indices.map { (content.tensors[$0].name, $0) })
    var written: [(part: Int, shard: Int, offset: Int)] = []
    let pieces = PieceQueue()
    let files = try placement.layout.shards.enumerated().map { shard, file in
      let new = try NewFile(
        "\(placement.folder)/\(file.name)", reserving: file.layout.fileLength, isDirect: true, pieces: pieces)
      try new.write(file.layout.header, at: 0)
      written += file.layout.entries.map { entry in
        guard let part = parts[entry.name] else { preconditionFailure("`\(entry.name)` is laid out and not there") }
        return (part, shard, file.layout.fileRange(of: entry).lowerBound)
      }
      return new
    }
    precondition(written.count == content.tensors.count, "a folder holds each tensor once")
    let tensors = written
    let sizes = tensors.map { manifest.parts[$0.part].byteCount }
    let progress = ByteProgress(of: sizes.reduce(0, +), progress)
    let digests = try largestFirst(sizes, isCancelled: isCancelled) { index in
      let tensor = tensors[index]
      return try TensorPlace(file: files[tensor.shard], offset: tensor.offset, isSampled: true)
        .write(content.tensors[tensor.part], progress)
    }
    for file in files {
      try file.finish()
      try file.checkSamples()
    }
    try placement.layout.writeFiles(to: placement.folder)
    try synchronizeFolder(placement.folder)
    let computed = zip(tensors, digests).filter { missing.contains($0.0.part) }
    var whole = manifest
    for (tensor, digest) in computed { whole.parts[tensor.part].digest = digest }
    let folder = Registry.absolute(try placement.publish(whole.digest))
    try index.write { index in
      for (tensor, digest) in computed {
        let part = manifest.parts[tensor.part]
        let path = "\(folder)/\(placement.layout.shards[tensor.shard].name)"
        guard let stamp = FileStamp(path: path) else {
          throw OperationError(.data, "`\(path)` changed while it was stored")
        }
        let slice = FileSlice(path: path, offset: tensor.offset, count: part.byteCount, stamp: stamp)
        try index.insertLocation(TensorSlice(dtype: part.dtype, shape: part.shape, slice: slice), digest)
      }
    }
    return computed.map { ($0.0.part, $0.1) }
  }
}
