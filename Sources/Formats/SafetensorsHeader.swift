import Tensors

/// The header of a safetensors file: what tensors there are, and where.
///
/// Reading is strict: no tensor twice, no overlap, no hole, every byte behind the header belongs to a tensor, all arithmetic is
/// checked. That closes the door to files that mean different things to different readers.
public struct SafetensorsHeader: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let dtype: DType
    public let shape: Shape
    /// Where its bytes lie, counted from the end of the header.
    public let bytes: Range<Int>
  }

  public static let longest = 100_000_000

  /// In the order of their bytes.
  public let entries: [Entry]
  /// `__metadata__`: texts by name, in the file's order.
  public let metadata: [(name: String, text: String)]

  /// Reads the JSON text of a header.
  ///
  /// - Parameter dataLength: Bytes of the file behind the header.
  public init(parsing bytes: [UInt8], dataLength: Int) throws(JSONError) {
    var scanner = JSONScanner(bytes)
    guard scanner.peek() == UInt8(ascii: "{") else { throw scanner.error("the header is not a JSON object") }
    var entries: [Entry] = []
    var metadata: [(name: String, text: String)] = []
    var seen: Set<String> = []
    try scanner.object { (scanner, name) throws(JSONError) in
      guard seen.insert(name).inserted else { throw scanner.error("`\(name)` stands twice") }
      if name == "__metadata__" {
        metadata = try Self.metadata(&scanner)
      } else {
        entries.append(try Self.entry(named: name, &scanner))
      }
    }
    guard scanner.peek() == nil else { throw scanner.error("something stands behind the header's object") }
    entries.sort { ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound) }
    try Self.checkCover(entries, dataLength: dataLength)
    self.entries = entries
    self.metadata = metadata
  }

  private static func metadata(_ scanner: inout JSONScanner) throws(JSONError) -> [(name: String, text: String)] {
    if scanner.peek() == UInt8(ascii: "n"), try scanner.value() == .null { return [] }
    var metadata: [(name: String, text: String)] = []
    try scanner.object { (scanner, name) throws(JSONError) in
      guard scanner.peek() == UInt8(ascii: "\"") else { throw scanner.error("`\(name)` of `__metadata__` is not a text") }
      metadata.append((name, try scanner.string()))
    }
    return metadata
  }

  private static func entry(named name: String, _ scanner: inout JSONScanner) throws(JSONError) -> Entry {
    let start = scanner.offset
    var dtype: DType?
    var shape: [Int]?
    var offsets: [Int]?
    var seen: Set<String> = []
    try scanner.object { (scanner, field) throws(JSONError) in
      guard seen.insert(field).inserted else { throw scanner.error("`\(field)` stands twice in `\(name)`") }
      switch field {
      case "dtype":
        let text = try scanner.string()
        guard let known = DType(rawValue: text) else {
          throw scanner.error("`\(name)` has the dtype `\(text)`, which is not known")
        }
        dtype = known
      case "shape": shape = try numbers(&scanner)
      case "data_offsets": offsets = try numbers(&scanner)
      default: _ = try scanner.value(depth: 2)
      }
    }
    guard let dtype, let shape, let offsets else {
      let missing = dtype == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw scanner.error("`\(name)` has no `\(missing)`", at: start)
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw scanner.error("`\(name)` ends before it begins", at: start)
    }
    guard let size = byteCount(dtype, shape) else {
      throw scanner.error("`\(name)` is larger than any memory", at: start)
    }
    guard offsets[1] - offsets[0] == size else {
      throw scanner.error(
        "`\(name)` is \(dtype.rawValue) \(Shape(shape)), \(size) bytes, but has \(offsets[1] - offsets[0])", at: start)
    }
    return Entry(name: name, dtype: dtype, shape: Shape(shape), bytes: offsets[0]..<offsets[1])
  }

  private static func numbers(_ scanner: inout JSONScanner) throws(JSONError) -> [Int] {
    var numbers: [Int] = []
    try scanner.array { (scanner) throws(JSONError) in numbers.append(try scanner.wholeNumber()) }
    return numbers
  }

  /// The product of the axes and the dtype's size; nil where it, or any part of it, does not fit.
  private static func byteCount(_ dtype: DType, _ shape: [Int]) -> Int? {
    var size = dtype.size
    for axis in shape {
      let (product, overflows) = size.multipliedReportingOverflow(by: axis)
      if overflows { return nil }
      size = product
    }
    // A zero must not hide that the other axes overflow.
    let others = shape.filter { $0 != 0 }
    return others.count == shape.count ? size : byteCount(dtype, others).map { _ in 0 }
  }

  /// Checks that the tensors, in the order of their bytes, cover the data exactly.
  private static func checkCover(_ entries: [Entry], dataLength: Int) throws(JSONError) {
    var end = 0
    for (index, entry) in entries.enumerated() {
      if entry.bytes.lowerBound < end {
        throw JSONError(offset: 0, message: "`\(entry.name)` overlaps `\(entries[max(0, index - 1)].name)`")
      }
      if entry.bytes.lowerBound > end {
        throw JSONError(offset: 0, message: "\(entry.bytes.lowerBound - end) bytes before `\(entry.name)` belong to no tensor")
      }
      end = entry.bytes.upperBound
    }
    if end > dataLength {
      let name = entries.first { $0.bytes.upperBound > dataLength }?.name ?? ""
      throw JSONError(offset: 0, message: "it is cut off within `\(name)`: \(end - dataLength) bytes are missing")
    }
    if end < dataLength {
      throw JSONError(offset: 0, message: "\(dataLength - end) bytes behind the last tensor belong to none")
    }
  }

  public static func == (a: SafetensorsHeader, b: SafetensorsHeader) -> Bool {
    a.entries == b.entries && a.metadata.elementsEqual(b.metadata, by: ==)
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
