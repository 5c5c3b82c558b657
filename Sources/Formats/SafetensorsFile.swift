import Diagnostics
import Tensors

/// A safetensors file, its header read and checked; tensors are read when they are asked for.
public struct SafetensorsFile: Sendable {
  public let path: String
  public let header: SafetensorsHeader
  /// Bytes before the first tensor: the length and the header's text.
  public let dataStart: Int
  public let stamp: FileStamp

  /// - Throws: `OperationError` where it is missing or is not what it claims to be.
  public init(_ path: String) throws {
    let file = try File(path)
    let size = file.stamp.size
    guard size >= 8 else { throw Self.damaged(path, "it has \(size) bytes, and even its length takes 8") }
    let start = try file.read(at: 0, count: 8)
    try Self.refusePickles(path, start)
    let length = start.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    guard length > 0, length <= SafetensorsHeader.longest else {
      throw Self.damaged(path, "its header claims \(length) bytes, and may have 1 to \(SafetensorsHeader.longest)")
    }
    guard Int(length) <= size - 8 else {
      throw Self.damaged(path, "its header claims \(length) bytes, and the file has \(size) in all")
    }
    let text = try file.read(at: 8, count: Int(length))
    do {
      header = try SafetensorsHeader(parsing: text, dataLength: size - 8 - Int(length))
    } catch {
      throw Self.damaged(path, error.message)
    }
    self.path = path
    dataStart = 8 + Int(length)
    stamp = file.stamp
  }

  public func slice(of entry: SafetensorsHeader.Entry) -> FileSlice {
    FileSlice(path: path, offset: dataStart + entry.bytes.lowerBound, count: entry.bytes.count, stamp: stamp)
  }

  /// Reads one tensor.
  public func tensor(_ entry: SafetensorsHeader.Entry) throws -> Tensor {
    Tensor(dtype: entry.dtype, shape: entry.shape, buffer: try slice(of: entry).read())
  }

  private static func damaged(_ path: String, _ reason: String) -> OperationError {
    OperationError(.data, "`\(path)` is not a safetensors file: \(reason)")
  }

  /// Pickles run code when they are read, so they are never read, whatever they are called.
  private static func refusePickles(_ path: String, _ start: [UInt8]) throws {
    let isArchive = start.starts(with: [UInt8(ascii: "P"), UInt8(ascii: "K"), 3, 4])
    let isPickle = start[0] == 0x80 && (2...5).contains(start[1])
    guard isArchive || isPickle else { return }
    throw OperationError(
      .data, "`\(path)` is a \(isPickle ? "pickle" : "PyTorch archive"), not a safetensors file",
      notes: ["a pickle runs code when it is read, so mergekit never reads one"],
      helps: ["convert it where you trust it, with `safetensors.torch.save_file`"])
  }
}
