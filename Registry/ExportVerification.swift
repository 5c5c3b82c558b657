import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors

/// An exported folder, read whole and compared with what it is to hold.
///
/// While a large model is exported, only samples of it are read again: all of it would take half as long as making it. This reads
/// every byte, and from the disk where the system lets go of what it remembers of the files.
public struct ExportVerification: Sendable {
  public private(set) var findings: [Finding] = []
  /// Tensors that were compared, and their bytes.
  public private(set) var tensors = 0
  public private(set) var bytes = 0

  private let folder: String
  private let name: String
  private let isCancelled: @Sendable () -> Bool

  /// Compares a folder with an artifact of a registry, whether or not the artifact's bytes are anywhere else.
  ///
  /// - Parameters:
  ///   - name: What messages call the folder.
  ///   - folder: Absolute.
  ///   - changed: Files of it that were written to since, by what the system says of them.
  /// - Throws: `OperationError`: the index is damaged, interrupted.
  public init(
    of name: String, at folder: String, holds artifact: Digest, in registry: Registry, changed: [String] = [],
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws {
    (self.name, self.folder, self.isCancelled) = (name, folder, isCancelled)
    guard let info = try registry.info(of: artifact) else {
      throw OperationError(.missing, "`\(artifact.short)` is in the history, but nothing else is known of it")
    }
    let found = try written()
    for tensor in info.tensors {
      guard let (file, entry) = found[tensor.name], entry.shape == tensor.shape else {
        add("`\(tensor.name)` is not in `\(name)`")
        continue
      }
      guard let wanted = try digest(of: tensor, as: entry.dtype, artifact, registry) else {
        findings.append(
          Finding(
            weight: .note, what: "`\(tensor.name)` of `\(name)` cannot be compared: what it was rounded from is gone",
            consequence: "whether it is whole is not known",
            help: "`mergekit apply` makes anew what is gone, then this can be asked again"))
        continue
      }
      try compare(file.slice(of: entry), entry, with: wanted)
    }
    let known = Set(info.tensors.map(\.name))
    for name in found.keys.sorted() where !known.contains(name) { add("`\(name)` is in `\(self.name)` as well") }
    for file in info.sideFiles {
      let there = try? File.contents(of: "\(folder)/\(file.name)")
      if there.map({ Digest.tensor(.u8, [$0.count], $0) }) != file.digest {
        add("`\(file.name)` of `\(name)` is another")
      }
    }
    let compared = Set(info.sideFiles.map(\.name))
    for file in changed where !file.hasSuffix(".safetensors") && !compared.contains(file) {
      findings.append(
        Finding(
          weight: .note, what: "`\(file)` of `\(name)` was written to since it was exported",
          consequence: "the tensors are not concerned, but how they are read may be",
          help: "nothing, if that was you; else remove the folder, and `mergekit apply` writes it anew"))
    }
  }

  /// Compares a model's folder with the digest that it tells of itself, where no registry knows it.
  /// - Parameter order: The tensors' names in the order that the digest depends on; as they are sorted where the folder tells of none.
  /// - Throws: `OperationError`: it is no model, interrupted.
  public init(
    of name: String, at folder: String, says artifact: Digest, order: [String]?,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws {
    (self.name, self.folder, self.isCancelled) = (name, folder, isCancelled)
    _ = try written()
    let model = try ModelFolder(folder)
    let files = try model.sideFiles.map { SideFile(($0 as NSString).lastPathComponent, try File.contents(of: $0)) }
    let places = Dictionary((order ?? []).enumerated().map { ($1, $0) }) { first, _ in first }
    let entries = model.entries.enumerated().sorted {
      (places[$0.element.name] ?? 0, $0.offset) < (places[$1.element.name] ?? 0, $1.offset)
    }.map(\.element)
    let content = Content(.checkpoint, facts: model.config, tensors: entries.map(TensorEntry.init), files: files)
    let digests = try entries.map { entry in
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      return try Registry.digest(of: entry.slice, entry.dtype, entry.shape)
    }
    (tensors, bytes) = (digests.count, content.byteCount)
    let digest = Manifest(content, digests: digests).digest
    guard digest != artifact else { return }
    add("`\(name)` holds \(digest), and says that it holds \(artifact): it was changed, or rounded as it was written")
  }

  // MARK: Looking

  /// Every tensor of the folder's files.
  private mutating func written() throws -> [String: (SafetensorsFile, SafetensorsHeader.Entry)] {
    let names = try names(in: folder).filter { $0.hasSuffix(".safetensors") }
    var found: [String: (SafetensorsFile, SafetensorsHeader.Entry)] = [:]
    for name in names {
      do {
        File.forget("\(folder)/\(name)")
        let file = try SafetensorsFile("\(folder)/\(name)")
        for entry in file.entries { found[entry.name] = (file, entry) }
      } catch let error as OperationError where [.data, .io, .missing].contains(error.cause) {
        add(error.message)
      }
    }
    return found
  }

  /// The digest that a tensor of an artifact has once it is rounded to a dtype; nil where its bytes are needed for that and gone.
  private func digest(
    of tensor: ArtifactInfo.Tensor, as dtype: DType, _ artifact: Digest, _ registry: Registry
  ) throws -> Digest? {
    if dtype == tensor.dtype { return tensor.digest }
    guard let entry = try registry.content(artifact)?.entry(tensor.name) else { return nil }
    return try entry.load().converted(to: dtype).withBytes { .tensor(dtype, tensor.shape, bytes: BLAKE3.hash($0)) }
  }

  private mutating func compare(_ slice: FileSlice, _ entry: SafetensorsHeader.Entry, with wanted: Digest) throws {
    if isCancelled() { throw OperationError(.interrupted, "interrupted") }
    tensors += 1
    bytes += slice.count
    do {
      if try Registry.digest(of: slice, entry.dtype, entry.shape) == wanted { return }
      add("`\(entry.name)` in `\(slice.path)` is no longer what was exported")
    } catch let error as OperationError where [.data, .io, .missing].contains(error.cause) {
      add(error.message)
    }
  }

  private mutating func add(_ what: String) {
    findings.append(
      Finding(
        weight: .damage, what: what, consequence: "whoever reads `\(name)` gets something else than was made",
        help: "remove it, then `mergekit apply` or `mergekit export` writes it anew"))
  }
}
