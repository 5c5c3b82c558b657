import Diagnostics
import Tensors

/// A folder of safetensors that is known before any of its tensors is: its files, and where in them each tensor will lie.
public struct FolderLayout: Sendable {
  /// Under plain names, without folders.
  public var files: [(name: String, bytes: [UInt8])]
  public var shards: [(name: String, layout: SafetensorsLayout)]

  public init(files: [(name: String, bytes: [UInt8])], shards: [(name: String, layout: SafetensorsLayout)]) {
    self.files = files
    self.shards = shards
  }

  /// Writes all of it into an empty folder.
  /// - Parameter tensor: Gives each as it was laid out; one at a time is in memory.
  public func write(to folder: String, tensor: (String) throws -> Tensor) throws {
    try writeFiles(to: folder)
    for shard in shards { try shard.layout.write(to: "\(folder)/\(shard.name)", tensor: tensor) }
  }

  /// Writes what is no tensor.
  public func writeFiles(to folder: String) throws {
    for file in files { try NewFile.write(file.bytes, to: "\(folder)/\(file.name)") }
  }
}

extension ModelFolder {
  /// How a model is laid out in a folder: its configuration, its other files, and its tensors in shards of at most `shardSize`
  /// bytes (a larger tensor has one to itself). The same model makes the same bytes.
  ///
  /// - Parameters:
  ///   - config: Not written where it is empty.
  ///   - files: Under plain names, without folders.
  ///   - tensors: Names, dtypes and shapes as they are to be written.
  public static func layout(
    config: JSON, files: [(name: String, bytes: [UInt8])], tensors: [(name: String, dtype: DType, shape: Shape)],
    shardSize: Int, layout: Layout = .model
  ) throws -> FolderLayout {
    if let file = files.first(where: { !Folder.isPlainName($0.name) }) {
      throw OperationError(.data, "a file of the model is called `\(file.name)`, which is not a plain name")
    }
    var folder = FolderLayout(files: files, shards: [])
    if config.object?.isEmpty == false { folder.files.insert((layout.config, Array(config.pretty.utf8)), at: 0) }
    let shards = shards(of: tensors, size: shardSize)
    let names = shards.indices.map { layout.shard($0, of: shards.count) }
    // Python's `transformers` reads no file that does not say so.
    folder.shards = zip(names, shards).map { ($0, SafetensorsLayout($1, metadata: [("format", "pt")])) }
    if shards.count > 1 { folder.files.append((layout.index, Array(index(of: shards, names).pretty.utf8))) }
    return folder
  }

  private typealias Tensors = [(name: String, dtype: DType, shape: Shape)]

  /// Tensors in order of name, cut where the next would be too much.
  private static func shards(of tensors: Tensors, size: Int) -> [Tensors] {
    var shards: [Tensors] = [[]]
    var filled = 0
    for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      let bytes = tensor.shape.count * tensor.dtype.size
      if filled > 0, bytes > size - filled {
        shards.append([])
        filled = 0
      }
      shards[shards.count - 1].append(tensor)
      filled += bytes
    }
    return shards
  }

  private static func index(of shards: [Tensors], _ names: [String]) -> JSON {
    let total = shards.joined().reduce(0) { $0 + $1.shape.count * $1.dtype.size }
    let map = zip(shards, names).flatMap { shard, name in shard.map { JSON.Member($0.name, .string(name)) } }
    return ["metadata": ["total_size": .integer(total)], "weight_map": .object(map)]
  }
}

extension ModelFolder.Layout {
  /// The name of a shard, counted from 0: `model-00001-of-00003.safetensors`.
  fileprivate func shard(_ index: Int, of count: Int) -> String {
    func padded(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
    return count == 1 ? file : "\(stem)-\(padded(index + 1))-of-\(padded(count)).safetensors"
  }
}
