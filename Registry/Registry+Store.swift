import Diagnostics
import Fingerprints
import Formats
import Operations
import Synchronization
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
  /// - Returns: The artifact, and the content as it is read from where it lies now.
  /// - Throws: What computing a tensor throws; `OperationError` where writing fails. Nothing is left behind then.
  public func store(
    _ content: Content, progress: @Sendable (_ bytesDone: Int, _ bytesTotal: Int) -> Void = { _, _ in },
    isCancelled: @Sendable () -> Bool = { false }
  ) throws -> (digest: Digest, content: Content) {
    var manifest = Manifest(content, digests: try knownDigests(content.tensors, isCancelled: isCancelled))
    let missing = try missingParts(of: manifest)
    let isComputed = missing.contains { !manifest.parts[$0].isFile }
    if !isComputed, let stored = try self.content(manifest.digest) { return (manifest.digest, stored) }

    let object = try NewObject(manifest, storing: missing, at: writing().newPath())
    defer { object.remove() }
    let total = missing.reduce(0) { $0 + manifest.parts[$1].byteCount }
    let done = Mutex(0)
    // The largest come first, so that none is left to one thread at the end.
    let order = missing.indices.sorted { a, b in
      let (first, second) = (manifest.parts[missing[a]].byteCount, manifest.parts[missing[b]].byteCount)
      return first == second ? a < b : first > second
    }
    let stored = try inParallel(order.count, isCancelled: isCancelled) { number in
      let index = order[number]
      return try content.write(part: missing[index], to: object, at: index) { bytes in
        // Told under the lock, so that the numbers only grow.
        done.withLock { done in
          done += bytes
          progress(done, total)
        }
      }
    }
    for (index, digest) in zip(order, stored) { manifest.parts[missing[index]].digest = digest }
    try object.finish(manifest)
    try publish(object, manifest)
    guard let stored = try self.content(manifest.digest) else {
      throw OperationError(
        .data, "a file that `\(content.label)` refers to changed while it was stored",
        helps: ["let whoever writes it finish, then apply again"])
    }
    return (manifest.digest, stored)
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
  /// Computes a part and writes it, run by run where that is possible; after the tensors come the files.
  /// - Parameter progress: Told of bytes that are written.
  fileprivate func write(
    part: Int, to object: NewObject, at place: Int, progress: (_ bytes: Int) -> Void
  ) throws -> Digest {
    guard part < tensors.count else {
      let file = files[part - tensors.count]
      return try object.write(Tensor(bytes: file.bytes, dtype: .u8, shape: [file.bytes.count]), part: place)
    }
    let entry = tensors[part]
    if let runs = try entry.runs() {
      return try object.write(entry, runs, part: place, progress: progress)
    }
    let tensor = try entry.load()
    precondition(
      tensor.dtype == entry.dtype && tensor.shape == entry.shape,
      "`\(entry.name)` came out as \(tensor.dtype.rawValue) \(tensor.shape), not \(entry.dtype.rawValue) \(entry.shape)"
    )
    defer { progress(tensor.byteCount) }
    return try object.write(tensor, part: place)
  }
}
