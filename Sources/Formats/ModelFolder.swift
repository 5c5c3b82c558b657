import Diagnostics
import Foundation
import Tensors

/// A model as Hugging Face lays it out: a folder with `config.json` and safetensors, in one file or sharded by an index.
///
/// A single safetensors file is a model without configuration. Only headers are read here.
public struct ModelFolder: Sendable {
  /// What the files are called.
  public struct Layout: Sendable {
    /// The configuration's file.
    public let config: String
    /// What the names of the tensors' files begin with.
    public let stem: String

    public static let model = Layout(config: "config.json", stem: "model")
    /// An adapter as PEFT keeps it.
    public static let adapter = Layout(config: "adapter_config.json", stem: "adapter_model")

    var file: String { "\(stem).safetensors" }
    var index: String { "\(stem).safetensors.index.json" }
  }

  /// A tensor of one of its files. It only says which, for a model can have a million.
  public struct Entry: Sendable {
    fileprivate let shard: Shard
    fileprivate let place: UInt32

    private var entry: SafetensorsHeader.Entry { shard.file.entries[Int(place)] }

    public var name: String { entry.name }
    public var dtype: DType { entry.dtype }
    public var shape: Shape { entry.shape }
    /// The file that it lies in.
    public var path: String { shard.file.path }
    /// Where its bytes lie, as long as the file stays as it is.
    public var slice: FileSlice { shard.file.slice(of: entry) }

    /// Reads the tensor.
    public func tensor() throws -> Tensor { Tensor(dtype: dtype, shape: shape, buffer: try slice.read()) }
  }

  /// A file that the entries of it share.
  fileprivate final class Shard: Sendable {
    let file: SafetensorsFile

    init(file: SafetensorsFile) { self.file = file }
  }

  /// What the configuration's file says, or an empty object.
  public let config: JSON
  /// Sorted by name.
  public let entries: [Entry]
  /// Paths of the tokenizer's and other files that belong to the model.
  public let sideFiles: [String]
  /// Paths of all files that the model is made of.
  public let files: [String]

  static let sideNames: Set<String> = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
    "chat_template.jinja", "chat_template.json", "preprocessor_config.json", "processor_config.json",
  ]

  /// - Throws: `OperationError` where it is not there, or a file of it is not what it claims to be.
  public init(_ path: String, layout: Layout = .model) throws {
    var isFolder: ObjCBool = false
    guard !path.utf8.contains(0), FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw OperationError(.missing, "there is no model at `\(path)`")
    }
    guard isFolder.boolValue else {
      config = .object([])
      entries = try Self.entries(of: [SafetensorsFile(path)])
      sideFiles = []
      files = [path]
      return
    }
    let folder = try Folder(path)
    let shards: [SafetensorsFile]
    var others: [String] = []
    if folder.names.contains(layout.index) {
      let index = try folder.file(layout.index)
      shards = try Self.shards(in: folder, index: index)
      others.append(index.path)
    } else {
      shards = [try SafetensorsFile(folder.file(Self.onlyFile(in: folder, layout)))]
    }
    entries = try Self.entries(of: shards)
    if folder.names.contains(layout.config) {
      let file = try folder.file(layout.config)
      config = try JSON.object(in: file)
      others.append(file.path)
    } else {
      config = .object([])
    }
    sideFiles = try folder.names.filter(Self.sideNames.contains).map { try folder.file($0).path }
    files = shards.map(\.path) + others + sideFiles
  }

  // MARK: Shards

  /// The one file of tensors in a folder without an index.
  private static func onlyFile(in folder: Folder, _ layout: Layout) throws -> String {
    if folder.names.contains(layout.file) { return layout.file }
    let candidates = folder.names.filter { $0.hasSuffix(".safetensors") }
    if candidates.count == 1, candidates != [Layout.adapter.file] { return candidates[0] }
    let endings = [".bin", ".pt", ".pth", ".ckpt"]
    if candidates.isEmpty, let pickle = folder.names.first(where: { name in endings.contains { name.hasSuffix($0) } }) {
      throw OperationError(
        .data, "`\(folder.path)` has no safetensors, only `\(pickle)`", notes: [OperationError.pickleNote],
        helps: ["convert it where you trust it, with `save_pretrained(…, safe_serialization=True)` of `transformers`"])
    }
    let found = candidates.map { "`\($0)`" }.joined(separator: ", ")
    throw OperationError(
      .missing, "`\(folder.path)` has no `\(layout.file)`",
      notes: candidates.isEmpty ? [] : ["it has \(found), and no `\(layout.index)` that says what belongs together"])
  }

  /// The shards that an index names, checked against what it says of them.
  private static func shards(in folder: Folder, index file: File) throws -> [SafetensorsFile] {
    let index = file.path
    guard let map = try JSON.object(in: file)["weight_map"]?.object else {
      throw OperationError(.data, "`\(index)` has no `weight_map`")
    }
    var tensorsOfShard: [String: Set<String>] = [:]
    for member in map {
      guard let file = member.value.string, file.hasSuffix(".safetensors"), Folder.isPlainName(file) else {
        let place = member.value.string.map { "`\($0)`" } ?? "something that is not a text"
        throw OperationError(
          .data, "`\(index)` says that `\(member.name)` lies in \(place)",
          notes: ["a shard is a `.safetensors` file of the same folder, named without any path"])
      }
      tensorsOfShard[file, default: []].insert(member.name)
    }
    return try tensorsOfShard.keys.sorted().map { name in
      let file = try SafetensorsFile(folder.file(name))
      let there = Set(file.entries.map(\.name))
      let promised = tensorsOfShard[name, default: []]
      if let missing = promised.subtracting(there).min() {
        throw OperationError(.data, "`\(index)` says that `\(missing)` lies in `\(name)`, but it does not")
      }
      if let extra = there.subtracting(promised).min() {
        let other = map.first { $0.name == extra }?.value.string
        throw OperationError(
          .data, "`\(extra)` lies in `\(file.path)`, but `\(index)` says \(other.map { "`\($0)`" } ?? "nothing of it")")
      }
      return file
    }
  }

  private static func entries(of files: [SafetensorsFile]) throws -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(files.reduce(0) { $0 + $1.entries.count })
    for file in files {
      let shard = Shard(file: file)
      for place in file.entries.indices { entries.append(Entry(shard: shard, place: UInt32(place))) }
    }
    entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return entries
  }
}

extension JSON {
  /// Reads a file that holds one object.
  fileprivate static func object(in file: File) throws -> JSON {
    let path = file.path
    do {
      let json = try JSON(parsing: try file.contents(limit: 1 << 30))
      guard json.object != nil else { throw OperationError(.data, "`\(path)` is not a JSON object") }
      return json
    } catch let error as JSONError {
      throw OperationError(.data, "`\(path)` is not JSON: \(error.message), at byte \(error.offset)")
    }
  }
}
