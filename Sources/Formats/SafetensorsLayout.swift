import Tensors

/// Where each tensor of a safetensors file will lie, known before any of them is.
///
/// Larger entries come first and names decide among equals, so that every tensor is aligned to its entries' size and the same
/// tensors always make the same file.
public struct SafetensorsLayout: Sendable {
  public let entries: [SafetensorsHeader.Entry]
  public let metadata: [(name: String, text: String)]
  /// The length and the header's text, padded with spaces so that the data begins at a multiple of 8.
  public let header: [UInt8]

  public init(_ tensors: [(name: String, dtype: DType, shape: Shape)], metadata: [(name: String, text: String)] = []) {
    var end = 0
    entries = tensors.sorted { a, b in
      a.dtype.size != b.dtype.size ? a.dtype.size > b.dtype.size : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }.map { tensor in
      let start = end
      end += tensor.shape.count * tensor.dtype.size
      return SafetensorsHeader.Entry(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: start..<end)
    }
    self.metadata = metadata
    header = Self.header(entries, metadata)
  }

  /// The same layout under other metadata.
  public func with(metadata: [(name: String, text: String)]) -> SafetensorsLayout {
    SafetensorsLayout(entries.map { ($0.name, $0.dtype, $0.shape) }, metadata: metadata)
  }

  /// Bytes of the whole file.
  public var fileLength: Int { header.count + (entries.last?.bytes.upperBound ?? 0) }

  private static func header(
    _ entries: [SafetensorsHeader.Entry], _ metadata: [(name: String, text: String)]
  ) -> [UInt8] {
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      members.append(JSON.Member("__metadata__", .object(metadata.map { JSON.Member($0.name, .string($0.text)) })))
    }
    members += entries.map { entry in
      JSON.Member(
        entry.name,
        [
          "dtype": .string(entry.dtype.rawValue), "shape": .array(entry.shape.axes.map { .integer($0) }),
          "data_offsets": [.integer(entry.bytes.lowerBound), .integer(entry.bytes.upperBound)],
        ])
    }
    var text = Array(JSON.object(members).compact.utf8)
    while text.count % 8 != 0 { text.append(UInt8(ascii: " ")) }
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }
}

extension SafetensorsLayout {
  /// Writes the file, one tensor in memory at a time.
  public func write(to path: String, tensor: (String) throws -> Tensor) throws {
    let file = try NewFile(path, reserving: fileLength)
    do {
      try file.write(header, at: 0)
      for entry in entries {
        let tensor = try tensor(entry.name)
        precondition(tensor.dtype == entry.dtype && tensor.shape == entry.shape, "`\(entry.name)` is not what was laid out")
        try tensor.withBytes { try file.write($0, at: header.count + entry.bytes.lowerBound) }
      }
      try file.finish()
    } catch {
      file.discard()
      throw error
    }
  }
}
