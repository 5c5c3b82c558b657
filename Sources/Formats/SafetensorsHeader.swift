import Tensors

/// The header of a safetensors file: what tensors there are, and where.
///
/// Reading is strict: no tensor twice, no overlap, no hole, every byte behind the header belongs to a tensor, all arithmetic is
/// checked. That closes the door to files that mean different things to different readers. Two names that only spell the same
/// letters in other code points are taken for the same name, because everything above would confuse them.
public struct SafetensorsHeader: Sendable {
  public struct Entry: Sendable, Hashable {
    public let name: String
    public let dtype: DType
    public let shape: Shape
    /// Where its bytes lie, counted from the end of the header.
    public let bytes: Range<Int>
  }

  /// Bytes that a header's text may have.
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
    guard scanner.peek() == UInt8(ascii: "{") else { throw scanner.error("its header is not a JSON object") }
    var entries: [Entry] = []
    entries.reserveCapacity(Self.mostEntries(in: bytes.count))
    var metadata: [(name: String, text: String)]?
    var names = NamePlaces(room: Self.mostEntries(in: bytes.count))
    var shapes = KnownShapes()
    try scanner.object { (scanner, name) throws(JSONError) in
      if name == "__metadata__" {
        guard metadata == nil else { throw scanner.error("`\(name)` stands twice in its header") }
        metadata = try scanner.safetensorsMetadata()
        return
      }
      if let first = names.add(name, at: entries.count, among: entries) {
        // Equal texts can have unequal bytes: `é` is one character, or two.
        let isSpelling = ExactText(entries[first].name) != ExactText(name)
        throw scanner.error("`\(name)` stands twice in its header\(isSpelling ? ", in two spellings of one name" : "")")
      }
      entries.append(try scanner.safetensorsEntry(named: name, &shapes))
    }
    try scanner.expectEnd()
    // Files are written in this order as a rule, and a sorted list need not be sorted.
    let isSorted = zip(entries, entries.dropFirst()).allSatisfy { !Self.precedes($1, $0) }
    self.entries = isSorted ? entries : entries.sorted(by: Self.precedes)
    self.metadata = metadata ?? []
    try checkCover(dataLength)
  }

  /// As many tensors as a header of so many bytes can tell of: `"":{"dtype":"U8","shape":[],"data_offsets":[0,0]}` is the shortest.
  private static func mostEntries(in bytes: Int) -> Int { bytes / 48 + 1 }

  private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
    (a.bytes.lowerBound, a.bytes.upperBound) < (b.bytes.lowerBound, b.bytes.upperBound)
  }

  /// Checks that the tensors, in the order of their bytes, cover the data exactly.
  private func checkCover(_ dataLength: Int) throws(JSONError) {
    var end = 0
    for (index, entry) in entries.enumerated() {
      let start = entry.bytes.lowerBound
      if start < end { throw fault("`\(entry.name)` overlaps `\(entries[index - 1].name)`") }
      if start > end { throw fault("\(Self.bytes(start - end)) before `\(entry.name)` belong to no tensor") }
      end = entry.bytes.upperBound
    }
    if end > dataLength, let cut = entries.first(where: { $0.bytes.upperBound > dataLength }) {
      throw fault("it is cut off within `\(cut.name)`, \(Self.bytes(end - dataLength)) are missing")
    }
    if end < dataLength { throw fault("\(Self.bytes(dataLength - end)) behind the last tensor belong to none") }
  }

  private func fault(_ message: String) -> JSONError { JSONError(offset: 0, message: message) }

  private static func bytes(_ count: Int) -> String { count == 1 ? "1 byte" : "\(count) bytes" }
}

/// Where in a list of tensors each name stands. A `Set` of a million names takes as much memory as the names themselves; this takes
/// some bytes for each.
private struct NamePlaces {
  /// At a name's hash, or behind it where others have taken that: its place, and one more; 0 where there is none.
  private var places: [UInt32]
  private let mask: Int

  /// - Parameter room: How many names there may be at most.
  init(room: Int) {
    var length = 8
    while length < room + room / 2 { length *= 2 }
    (places, mask) = (Array(repeating: 0, count: length), length - 1)
  }

  /// Notes where a name will stand; returns where it, or another spelling of it, stands already.
  mutating func add(_ name: String, at place: Int, among entries: [SafetensorsHeader.Entry]) -> Int? {
    var slot = name.hashValue & mask
    while places[slot] > 0 {
      let other = Int(places[slot]) - 1
      if entries[other].name == name { return other }
      slot = (slot + 1) & mask
    }
    places[slot] = UInt32(place + 1)
    return nil
  }
}

/// Shapes that were read before: of many tensors few have a shape of their own.
private struct KnownShapes {
  private var shapes: [[Int]: Shape] = [:]

  mutating func shape(_ axes: [Int]) -> Shape {
    if let known = shapes[axes] { return known }
    let shape = Shape(axes)
    if shapes.count < 1000 { shapes[axes] = shape }
    return shape
  }
}

extension JSONScanner {
  fileprivate mutating func safetensorsMetadata() throws(JSONError) -> [(name: String, text: String)] {
    if peek() == UInt8(ascii: "n") {
      _ = try value()
      return []
    }
    var metadata: [(name: String, text: String)] = []
    try object { (scanner, name) throws(JSONError) in
      guard scanner.peek() == UInt8(ascii: "\"") else {
        throw scanner.error("`\(name)` of its `__metadata__` is not a text")
      }
      metadata.append((name, try scanner.string()))
    }
    return metadata
  }

  fileprivate mutating func safetensorsEntry(
    named name: String, _ shapes: inout KnownShapes
  ) throws(JSONError) -> SafetensorsHeader.Entry {
    let start = offset
    var dtype: DType?
    var shape: [Int]?
    var offsets: [Int]?
    var others: [String] = []
    try object { (scanner, field) throws(JSONError) in
      let isRepeated: Bool
      switch field {
      case "dtype":
        isRepeated = dtype != nil
        dtype = try scanner.safetensorsType(of: name)
      case "shape":
        isRepeated = shape != nil
        shape = try scanner.wholeNumbers()
      case "data_offsets":
        isRepeated = offsets != nil
        offsets = try scanner.wholeNumbers()
      default:
        isRepeated = others.contains(field)
        others.append(field)
        _ = try scanner.value(depth: 2)
      }
      if isRepeated { throw scanner.error("`\(field)` stands twice in `\(name)`", at: start) }
    }
    guard let dtype, let shape, let offsets else {
      let missing = dtype == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw error("`\(name)` has no `\(missing)`", at: start)
    }
    guard offsets.count == 2 else { throw error("`\(name)` has \(offsets.count) `data_offsets`, not 2", at: start) }
    guard offsets[0] <= offsets[1] else { throw error("`\(name)` ends before it begins", at: start) }
    guard let size = dtype.byteCount(shape) else { throw error("`\(name)` is larger than any memory", at: start) }
    guard offsets[1] - offsets[0] == size else {
      let tensor = "`\(name)` is \(dtype.rawValue) \(Shape(shape))"
      throw error("\(tensor), \(size) bytes, but has \(offsets[1] - offsets[0])", at: start)
    }
    return SafetensorsHeader.Entry(
      name: name, dtype: dtype, shape: shapes.shape(shape), bytes: offsets[0]..<offsets[1])
  }

  private mutating func safetensorsType(of name: String) throws(JSONError) -> DType {
    guard peek() == UInt8(ascii: "\"") else { throw error("the dtype of `\(name)` is not a text") }
    let text = try string()
    guard let dtype = DType(rawValue: text) else {
      throw error("`\(name)` has the dtype `\(text)`, which mergekit does not know")
    }
    return dtype
  }

  private mutating func wholeNumbers() throws(JSONError) -> [Int] {
    var numbers: [Int] = []
    try array { (scanner) throws(JSONError) in numbers.append(try scanner.wholeNumber()) }
    return numbers
  }
}

extension DType {
  /// Bytes of a tensor; nil where they, or the product of any of its axes, do not fit `Int`.
  fileprivate func byteCount(_ axes: [Int]) -> Int? {
    var size = size
    var isEmpty = false
    for axis in axes {
      // A zero must not hide that the other axes overflow.
      isEmpty = isEmpty || axis == 0
      let (product, overflows) = size.multipliedReportingOverflow(by: max(1, axis))
      if overflows { return nil }
      size = product
    }
    return isEmpty ? 0 : size
  }
}
