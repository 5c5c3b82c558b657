import Diagnostics
import Foundation
import Tensors

/// A model as Hugging Face lays it out: a folder with `config.json` and safetensors, in one file or sharded by an index.
///
/// A single safetensors file is a model without configuration. Only headers are read here.
public struct ModelFolder: Sendable {
  public struct Entry: Sendable {
    public let name: String
    public let dtype: DType
    public let shape: Shape
    public let slice: FileSlice
  }

  /// `config.json`, or an empty object.
  public let config: JSON
  /// Sorted by name.
  public let entries: [Entry]
  /// Absolute paths of the tokenizer's and other files that belong to the model.
  public let sideFiles: [String]
  /// Absolute paths of all files that the model is made of.
  public let files: [String]

  private static let indexName = "model.safetensors.index.json"
  private static let sideNames: Set<String> = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "merges.txt", "tokenizer.model", "spiece.model", "chat_template.jinja",
    "preprocessor_config.json",
  ]

  /// - Throws: `OperationError` where it is not there, or a file of it is not what it claims to be.
  public init(_ path: String) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw OperationError(.missing, "there is no model at `\(path)`")
    }
    guard isFolder.boolValue else {
      config = .object([])
      entries = try Self.entries(of: [SafetensorsFile(path)])
      sideFiles = []
      files = [path]
      return
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let shards = try Self.shards(in: path, names)
    entries = try Self.entries(of: shards.files)
    let configuration = path + "/config.json"
    config = names.contains("config.json") ? try Self.object(configuration) : .object([])
    sideFiles = names.filter(Self.sideNames.contains).map { path + "/" + $0 }
    files =
      shards.files.map(\.path) + (shards.index.map { [$0] } ?? []) + (names.contains("config.json") ? [configuration] : [])
      + sideFiles
  }

  // MARK: Shards

  private static func shards(in path: String, _ names: [String]) throws -> (files: [SafetensorsFile], index: String?) {
    if names.contains(indexName) {
      let index = path + "/" + indexName
      return (try shards(in: path, index: index), index)
    }
    let models = names.filter { $0.hasSuffix(".safetensors") }
    if models.contains("model.safetensors") { return ([try shard("model.safetensors", in: path)], nil) }
    if models.count == 1 { return ([try shard(models[0], in: path)], nil) }
    if let pickle = names.first(where: { name in [".bin", ".pt", ".pth", ".ckpt"].contains { name.hasSuffix($0) } }) {
      throw OperationError(
        .data, "`\(path)` has no safetensors, only `\(pickle)`",
        notes: ["a pickle runs code when it is read, so mergekit never reads one"],
        helps: ["convert it where you trust it, with `save_pretrained(…, safe_serialization=True)`"])
    }
    throw OperationError(
      .missing, "`\(path)` has no `model.safetensors`",
      notes: models.isEmpty ? [] : ["it has \(models.map { "`\($0)`" }.joined(separator: ", ")), and no index that joins them"])
  }

  /// The shards that an index names, checked against what it says of them.
  private static func shards(in path: String, index: String) throws -> [SafetensorsFile] {
    guard let map = try object(index)["weight_map"]?.object else {
      throw OperationError(.data, "`\(index)` has no `weight_map`")
    }
    var tensorsOfShard: [String: Set<String>] = [:]
    for member in map {
      guard let file = member.value.string, isPlainName(file) else {
        throw OperationError(
          .data, "`\(index)` says that `\(member.name)` lies in `\(member.value.string ?? member.value.compact)`",
          notes: ["a shard is a file of the same folder, named without any path"])
      }
      tensorsOfShard[file, default: []].insert(member.name)
    }
    return try tensorsOfShard.keys.sorted().map { name in
      let file = try shard(name, in: path)
      let there = Set(file.header.entries.map(\.name))
      let promised = tensorsOfShard[name, default: []]
      if let missing = promised.subtracting(there).min() {
        throw OperationError(.data, "`\(index)` says that `\(missing)` lies in `\(name)`, but it does not")
      }
      if let extra = there.subtracting(promised).min() {
        throw OperationError(.data, "`\(extra)` lies in `\(file.path)`, but `\(index)` does not say so")
      }
      return file
    }
  }

  private static func shard(_ name: String, in folder: String) throws -> SafetensorsFile {
    try checkStaysInside(name, of: folder)
    return try SafetensorsFile(folder + "/" + name)
  }

  /// Whether a name can only mean a file of the same folder.
  static func isPlainName(_ name: String) -> Bool {
    let forbidden = name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == ":" || $0.value < 0x20 }
    return !name.isEmpty && name != "." && name != ".." && !forbidden && name.utf8.count <= 255
      && name.hasSuffix(".safetensors")
  }

  /// A symbolic link may lead out of a model's folder only as Hugging Face's cache does it: to `blobs` of the same model.
  private static func checkStaysInside(_ name: String, of folder: String) throws {
    let path = folder + "/" + name
    guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return }
    let parts = link.split(separator: "/").map(String.init)
    let isCache =
      parts.count == 4 && parts[0] == ".." && parts[1] == ".." && parts[2] == "blobs" && parts[3].allSatisfy(\.isHexDigit)
    guard isCache || parts.count == 1 && parts[0] != ".." && !link.hasPrefix("/") else {
      throw OperationError(.data, "`\(path)` is a symbolic link to `\(link)`, outside its folder")
    }
  }

  private static func entries(of files: [SafetensorsFile]) throws -> [Entry] {
    var shardOf: [String: String] = [:]
    var entries: [Entry] = []
    for file in files {
      for entry in file.header.entries {
        if let other = shardOf.updateValue(file.path, forKey: entry.name) {
          throw OperationError(.data, "`\(entry.name)` lies both in `\(other)` and in `\(file.path)`")
        }
        entries.append(Entry(name: entry.name, dtype: entry.dtype, shape: entry.shape, slice: file.slice(of: entry)))
      }
    }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private static func object(_ path: String) throws -> JSON {
    do {
      let json = try JSON(parsing: try File.contents(of: path))
      guard json.object != nil else { throw OperationError(.data, "`\(path)` is not a JSON object") }
      return json
    } catch let error as JSONError {
      throw OperationError(.data, "`\(path)` is not JSON: \(error.message), at byte \(error.offset)")
    }
  }
}
