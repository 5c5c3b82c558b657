import Diagnostics
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

  /// - Parameter tensors: Each under a name of its own.
  public init(_ tensors: [(name: String, dtype: DType, shape: Shape)], metadata: [(name: String, text: String)] = []) {
    precondition(Set(tensors.map(\.name)).count == tensors.count, "a safetensors file holds a name once")
    var end = 0
    let entries = tensors.sorted { a, b in
      a.dtype.size != b.dtype.size ? a.dtype.size > b.dtype.size : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
    }.map { tensor in
      let start = end
      end += tensor.shape.count * tensor.dtype.size
      return SafetensorsHeader.Entry(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: start..<end)
    }
    self.init(entries: entries, metadata: metadata)
  }

  private init(entries: [SafetensorsHeader.Entry], metadata: [(name: String, text: String)]) {
    self.entries = entries
    self.metadata = metadata
    header = Self.header(entries, metadata)
  }

  /// The same layout under other metadata. Texts of the same length, in ASCII without quotes, give a header of the same length.
  public func with(metadata: [(name: String, text: String)]) -> SafetensorsLayout {
    SafetensorsLayout(entries: entries, metadata: metadata)
  }

  /// Where a tensor's bytes lie in the whole file.
  public func fileRange(of entry: SafetensorsHeader.Entry) -> Range<Int> {
    header.count + entry.bytes.lowerBound..<header.count + entry.bytes.upperBound
  }

  /// Bytes of the whole file.
  public var fileLength: Int { header.count + (entries.last?.bytes.upperBound ?? 0) }

  private static func header(
    _ entries: [SafetensorsHeader.Entry], _ metadata: [(name: String, text: String)]
  ) -> [UInt8] {
    var text = JSONWriter(.compact)
    text.write("{")
    if !metadata.isEmpty {
      text.write("\"__metadata__\":")
      text.write(.object(metadata.map { JSON.Member($0.name, .string($0.text)) }), level: 0)
    }
    for (index, entry) in entries.enumerated() {
      if index > 0 || !metadata.isEmpty { text.write(",") }
      text.write(quoting: entry.name)
      text.write(":{\"dtype\":\"\(entry.dtype.rawValue)\",\"shape\":[")
      text.write(entry.shape.axes.map(String.init).joined(separator: ","))
      text.write("],\"data_offsets\":[\(entry.bytes.lowerBound),\(entry.bytes.upperBound)]}")
    }
    text.write("}")
    while text.bytes.count % 8 != 0 { text.write(" ") }
    return (0..<8).map { UInt8(truncatingIfNeeded: text.bytes.count >> (8 * $0)) } + text.bytes
  }
}

extension SafetensorsLayout {
  /// Writes the file, one tensor in memory at a time; it is there whole or not at all.
  ///
  /// - Parameter tensor: Gives each tensor as it was laid out.
  public func write(to path: String, tensor: (String) throws -> Tensor) throws {
    guard header.count - 8 <= SafetensorsHeader.longest else {
      throw OperationError(
        .output, "`\(path)` would need a header of \(header.count - 8) bytes",
        notes: [
          "safetensors allow \(SafetensorsHeader.longest): it has \(entries.count) tensors, too many for one file"
        ],
        helps: ["write it in shards"])
    }
    let file = try NewFile(beside: path, reserving: fileLength)
    try file.write(header, at: 0)
    for entry in entries {
      let tensor = try tensor(entry.name)
      precondition(
        tensor.dtype == entry.dtype && tensor.shape == entry.shape, "`\(entry.name)` is not what was laid out")
      try tensor.withBytes { try file.write($0, at: fileRange(of: entry).lowerBound) }
    }
    try file.publish(as: path)
  }
}
