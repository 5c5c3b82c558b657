import Diagnostics
import Tensors

/// A safetensors file, its header read and checked; tensors are read when they are asked for.
public struct SafetensorsFile: Sendable {
  public let path: String
  public let header: SafetensorsHeader
  /// Bytes before the first tensor: the length and the header's text.
  public let headerBytes: Int
  public let stamp: FileStamp

  /// In the order of their bytes.
  public var entries: [SafetensorsHeader.Entry] { header.entries }
  /// `__metadata__`: texts by name, in the file's order.
  public var metadata: [(name: String, text: String)] { header.metadata }

  /// - Throws: `OperationError` where it is missing or is not what it claims to be.
  public init(_ path: String) throws { try self.init(File(path)) }

  init(_ file: File) throws {
    do {
      (header, headerBytes) = try Self.header(of: file)
    } catch let fault as JSONError {
      throw try Self.error(file, fault)
    }
    try file.checkUnchanged(since: file.stamp)
    path = file.path
    stamp = file.stamp
  }

  /// Where a tensor lies, as long as the file stays as it is.
  public func slice(of entry: SafetensorsHeader.Entry) -> FileSlice {
    FileSlice(path: path, offset: headerBytes + entry.bytes.lowerBound, count: entry.bytes.count, stamp: stamp)
  }

  /// Reads one tensor.
  public func tensor(_ entry: SafetensorsHeader.Entry) throws -> Tensor {
    Tensor(dtype: entry.dtype, shape: entry.shape, buffer: try slice(of: entry).read())
  }

  /// Reads no more than the file has, whatever it claims.
  private static func header(of file: File) throws -> (SafetensorsHeader, bytes: Int) {
    func fault(_ message: String) -> JSONError { JSONError(offset: 0, message: message) }
    let size = file.stamp.size
    guard size >= 8 else { throw fault("it has \(size) bytes, and the length of its header alone takes 8") }
    let length = try file.read(at: 0, count: 8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length > 0, length <= SafetensorsHeader.longest else {
      throw fault("its header claims \(length) bytes, and may have 1 to \(SafetensorsHeader.longest)")
    }
    let end = 8 + Int(length)
    guard end <= size else { throw fault("its header claims \(length) bytes, and the file has \(size) in all") }
    return (try SafetensorsHeader(parsing: try file.read(at: 8, count: Int(length)), dataLength: size - end), end)
  }

  /// Why a file is refused. Many a refused one is a pickle under another name, which an honest header can look like at first.
  private static func error(_ file: File, _ fault: JSONError) throws -> OperationError {
    let start = try file.read(at: 0, count: min(8, file.stamp.size))
    let isArchive = start.starts(with: [UInt8(ascii: "P"), UInt8(ascii: "K"), 3, 4])
    let isPickle = start.count > 1 && start[0] == 0x80 && (2...5).contains(start[1])
    guard isArchive || isPickle else {
      let place = fault.offset > 0 ? ", at byte \(fault.offset + 8)" : ""
      return OperationError(.data, "`\(file.path)` is not a safetensors file: \(fault.message)\(place)")
    }
    let kind = isPickle ? "pickle" : "zip archive, as PyTorch writes pickles"
    return OperationError(
      .data, "`\(file.path)` is a \(kind), not a safetensors file", notes: [OperationError.pickleNote],
      helps: ["convert it where you trust it, with `save_file` of Python's `safetensors.torch`"])
  }
}

extension OperationError {
  static let pickleNote = "a pickle runs code when it is read, so mergekit never reads one"
}
