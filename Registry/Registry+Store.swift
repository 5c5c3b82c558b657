import Diagnostics
import Fingerprints
import Formats
import Operations
import Tensors

extension Registry {
  /// Makes an artifact out of a content: its tensors are computed in parallel, a few at a time, hashed and written as
  /// they come.
  ///
  /// Tensors that are stored already, and those that lie in files outside, are referred to and not written again.
  ///
  /// - Parameters:
  ///   - progress: Told how many bytes are computed and written, of all that will be; called from several threads.
  ///   - isCancelled: Asked before each tensor.
  ///   - placement: A folder outside that is to hold the tensors; used only if any is to be computed.
  /// - Returns: The artifact, the content as it is read from where it lies now, and whether the placement was used.
  /// - Throws: What computing a tensor throws; `OperationError` where writing fails. Nothing is left behind then.
  public func store(
    _ content: Content, placement: Placement? = nil,
    progress: @escaping @Sendable (_ bytesDone: Int, _ bytesTotal: Int) -> Void = { _, _ in },
    isCancelled: @Sendable () -> Bool = { false }
  ) throws -> (digest: Digest, content: Content, isPlaced: Bool) {
    defer { placement?.discard() }
    var manifest = Manifest(content, digests: try knownDigests(content.tensors, isCancelled: isCancelled))
    let missing = try missingParts(of: manifest)
    let isComputed = missing.contains { !manifest.parts[$0].isFile }
    if !isComputed, let stored = try self.content(manifest.digest) { return (manifest.digest, stored, false) }

    var inside = missing
    if let placement, isComputed {
      inside = missing.filter { manifest.parts[$0].isFile }
      let found = try place(content, manifest, missing: Set(missing), placement, progress, isCancelled)
      for (part, digest) in found { manifest.parts[part].digest = digest }
    }
    try storeObject(content, &manifest, storing: inside, progress, isCancelled)
    guard let stored = try self.content(manifest.digest) else {
      throw OperationError(
        .data, "a file that `\(content.label)` refers to changed while it was stored",
        helps: ["let whoever writes it finish, then apply again"])
    }
    return (manifest.digest, stored, placement != nil && isComputed)
  }

  /// Computes some parts into a new object, and makes it known.
  private func storeObject(
    _ content: Content, _ manifest: inout Manifest, storing missing: [Int],
    _ progress: @escaping @Sendable (Int, Int) -> Void,
    _ isCancelled: @Sendable () -> Bool
  ) throws {
    let object = try NewObject(manifest, storing: missing, at: writing().newPath())
    defer { object.remove() }
    let sizes = missing.map { manifest.parts[$0].byteCount }
    let progress = ByteProgress(of: sizes.reduce(0, +), progress)
    let digests = try largestFirst(sizes, isCancelled: isCancelled) { index in
      try content.write(part: missing[index], to: object.place(ofPart: index), progress)
    }
    for (part, digest) in zip(missing, digests) { manifest.parts[part].digest = digest }
    try object.finish(manifest)
    try publish(object, manifest)
  }

  // MARK: What is there already

  /// The digest of each tensor whose bytes are there, in the registry or outside; nil for what has to be computed.
  private func knownDigests(_ tensors: [TensorEntry], isCancelled: @Sendable () -> Bool) throws -> [Digest?] {
    let slices = tensors.map { entry in
      entry.file.map { TensorSlice(dtype: entry.dtype, shape: entry.shape, slice: $0) }
    }
    let hashed = try digestsInPlace(slices.compactMap { $0 }, isCancelled: isCancelled)
    var next = hashed.makeIterator()
    return zip(tensors, slices).map { entry, slice in slice == nil ? entry.digest : next.next() }
  }

  /// The parts of a manifest that lie nowhere yet.
  private func missingParts(of manifest: Manifest) throws -> [Int] {
    var isChecked = false
    while true {
      let (missing, doubtful) = try index.read { index in
        var locator = Locator(self)
        let missing = try manifest.parts.indices.filter { number in
          let part = manifest.parts[number]
          guard part.digest != .zero,
            let tensor = try index.row(
              "SELECT id FROM tensor WHERE digest = ?", part.digest, read: { try $0.integer(0) })
          else { return true }
          return try locator.slice(of: part, tensor: tensor, index) == nil
        }
        return (missing, locator.doubtful)
      }
      if missing.isEmpty || doubtful.isEmpty || isChecked { return missing }
      for object in doubtful.sorted() { _ = try checkObject(object) }
      isChecked = true
    }
  }

  // MARK: Publishing

  /// Gives a finished object its name, and then tells the index.
  private func publish(_ object: NewObject, _ manifest: Manifest) throws {
    let digest = manifest.digest
    var number = 1
    var name = StoredObject.name(digest, number)
    while try !giveName(object.path, path + "/" + name) {
      // Somebody has stored the same artifact. What is there is used if it is sound and has the tensors that this one
      // has.
      if let there = try? StoredObject(name, in: path), (try? there.checkBytes()) != nil {
        if Set(there.stored.map(\.part)).isSuperset(of: object.stored) { break }
        number += 1
        name = StoredObject.name(digest, number)
      } else {
        try replace(path + "/" + name, with: object.path)
        break
      }
    }
    let stored = try StoredObject(name, in: path)
    try index.write { try $0.insert(stored, stamp: stored.stamp) }
  }
}

extension Content {
  /// Computes a part and writes it; after the tensors come the files.
  fileprivate func write(part: Int, to place: TensorPlace, _ progress: ByteProgress) throws -> Digest {
    guard part < tensors.count else {
      let file = files[part - tensors.count]
      return try place.write(Tensor(bytes: file.bytes, dtype: .u8, shape: [file.bytes.count]))
    }
    return try place.write(tensors[part], progress)
  }
}
