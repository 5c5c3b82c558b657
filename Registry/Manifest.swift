import Diagnostics
import Fingerprints
import Formats
import Operations
import Tensors

/// What an artifact is: its kind, its facts, and the names, shapes and digests of its tensors and files.
///
/// Every object holds one as metadata; an artifact's digest is the digest of its manifest.
struct Manifest: Sendable {
  /// A tensor or a side file; a file is kept as a tensor of bytes.
  struct Part: Sendable {
    let name: String
    let isFile: Bool
    let dtype: DType
    let shape: Shape
    /// What it is called in objects; differs from the name for files, which could have a tensor's name.
    let objectName: String
    /// Of the dtype, the shape and the bytes.
    var digest: Digest

    var byteCount: Int { shape.count * dtype.size }
  }

  let kind: String
  let facts: JSON
  /// The tensors in their order, then the files in theirs.
  var parts: [Part]

  init(kind: String, facts: JSON, parts: [Part]) {
    self.kind = kind
    self.facts = facts
    self.parts = parts
  }

  /// The manifest of a content some of whose tensors have no digest yet: they get one of zeros.
  init(_ content: Content, digests: [Digest?]) {
    let tensors = zip(content.tensors, digests).map { entry, digest in
      Part(
        name: entry.name, isFile: false, dtype: entry.dtype, shape: entry.shape, objectName: entry.name,
        digest: digest ?? .zero)
    }
    var taken = Set(content.tensors.map { Array($0.name.utf8) })
    let files = content.files.map { file in
      var objectName = "mergekit:file/" + file.name
      while !taken.insert(Array(objectName.utf8)).inserted { objectName = "_" + objectName }
      return Part(
        name: file.name, isFile: true, dtype: .u8, shape: [file.bytes.count], objectName: objectName,
        digest: .tensor(.u8, [file.bytes.count], file.bytes))
    }
    self.init(kind: content.kind.name, facts: content.facts, parts: tensors + files)
  }

  /// The artifact's digest.
  var digest: Digest {
    var encoder = FingerprintEncoder(domain: "mergekit-artifact/1")
    encoder.add(kind)
    encoder.add(facts.canonical)
    for isFile in [false, true] {
      let parts = parts.filter { $0.isFile == isFile }
      encoder.list(parts.count)
      for part in parts {
        encoder.add(part.name)
        encoder.add(part.digest)
      }
    }
    return encoder.digest
  }
}

// MARK: - Text

extension Manifest {
  private static let format = "mergekit-artifact/1"

  /// As an object holds it. Its length does not depend on the digests.
  var text: String {
    let parts = parts.map { part -> JSON in
      [
        "name": .string(part.name), "file": .bool(part.isFile), "dtype": .string(part.dtype.rawValue),
        "shape": part.shape.json, "as": .string(part.objectName), "digest": .string(part.digest.hex),
      ]
    }
    let json: JSON = [
      "format": .string(Self.format), "kind": .string(kind), "facts": facts, "parts": .array(parts),
    ]
    return json.compact
  }

  /// Nil where the text is not a manifest.
  init?(parsing text: String) {
    guard let json = try? JSON(parsing: Array(text.utf8)), json["format"]?.string == Self.format,
      let kind = json["kind"]?.string, let facts = json["facts"], let parts = json["parts"]?.array
    else { return nil }
    let read = parts.compactMap(Self.part)
    guard read.count == parts.count else { return nil }
    self.init(kind: kind, facts: facts, parts: read)
  }

  private static func part(_ json: JSON) -> Part? {
    guard let name = json["name"]?.string, let isFile = json["file"]?.bool,
      let dtype = json["dtype"]?.string.flatMap(DType.init),
      let shape = json["shape"].flatMap({ Shape($0, of: dtype) }),
      let objectName = json["as"]?.string, let digest = json["digest"]?.digest
    else { return nil }
    return Part(name: name, isFile: isFile, dtype: dtype, shape: shape, objectName: objectName, digest: digest)
  }
}

extension Shape {
  /// As `[2, 3]`.
  var json: JSON { .array(axes.map { .integer($0) }) }

  /// Nil where it is not a list of lengths, or where so many entries are not counted in an `Int` of bytes.
  init?(_ json: JSON, of dtype: DType) {
    guard let axes = json.array?.compactMap(\.integer), axes.count == json.array?.count, axes.allSatisfy({ $0 >= 0 })
    else {
      return nil
    }
    var bytes = dtype.size
    for axis in axes where axis > 0 {
      let (product, overflows) = bytes.multipliedReportingOverflow(by: axis)
      if overflows { return nil }
      bytes = product
    }
    self.init(axes)
  }
}

extension Digest {
  /// Stands in for a digest that is not known yet.
  static let zero = Digest(bytes: [UInt8](repeating: 0, count: 32))

  /// The digest of a tensor.
  static func tensor(_ dtype: DType, _ shape: Shape, bytes: Digest) -> Digest {
    var encoder = FingerprintEncoder(domain: "mergekit-tensor/1")
    encoder.add(dtype.rawValue)
    encoder.list(shape.rank)
    for axis in shape.axes { encoder.add(axis) }
    encoder.add(bytes)
    return encoder.digest
  }

  static func tensor(_ dtype: DType, _ shape: Shape, _ bytes: [UInt8]) -> Digest {
    tensor(dtype, shape, bytes: BLAKE3.hash(bytes))
  }
}
