import Diagnostics
import Tensors

extension ModelFolder {
  /// Writes a model into an empty folder: `config.json`, its other files, and its tensors in shards of at most `shardSize` bytes.
  ///
  /// - Parameters:
  ///   - tensors: Names, dtypes and shapes as they are to be written.
  ///   - tensor: Gives each; one at a time is in memory.
  public static func write(
    config: JSON, files: [(name: String, bytes: [UInt8])], tensors: [(name: String, dtype: DType, shape: Shape)],
    shardSize: Int, to folder: String, tensor: (String) throws -> Tensor
  ) throws {
    if config.object?.isEmpty == false { try NewFile.write(Array(config.pretty.utf8), to: folder + "/config.json") }
    for file in files { try NewFile.write(file.bytes, to: folder + "/" + file.name) }
    let shards = shards(of: tensors, size: shardSize)
    for (index, shard) in shards.enumerated() {
      let layout = SafetensorsLayout(shard, metadata: [("format", "pt")])
      try layout.write(to: folder + "/" + shardName(index, of: shards.count), tensor: tensor)
    }
    if shards.count > 1 { try writeIndex(of: shards, to: folder) }
    synchronizeFolder(folder)
  }

  private typealias Tensors = [(name: String, dtype: DType, shape: Shape)]

  /// Tensors in order of name, cut where the next would be too much.
  private static func shards(of tensors: Tensors, size: Int) -> [Tensors] {
    var shards: [Tensors] = [[]]
    var filled = 0
    for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      let bytes = tensor.shape.count * tensor.dtype.size
      if filled > 0, filled + bytes > size {
        shards.append([])
        filled = 0
      }
      shards[shards.count - 1].append(tensor)
      filled += bytes
    }
    return shards
  }

  private static func shardName(_ index: Int, of count: Int) -> String {
    func padded(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
    return count == 1 ? "model.safetensors" : "model-\(padded(index + 1))-of-\(padded(count)).safetensors"
  }

  private static func writeIndex(of shards: [Tensors], to folder: String) throws {
    let total = shards.joined().reduce(0) { $0 + $1.shape.count * $1.dtype.size }
    let map = shards.enumerated().flatMap { index, shard in
      shard.map { JSON.Member($0.name, .string(shardName(index, of: shards.count))) }
    }
    let index: JSON = ["metadata": ["total_size": .integer(total)], "weight_map": .object(map)]
    try NewFile.write(Array(index.pretty.utf8), to: folder + "/model.safetensors.index.json")
  }
}
