import Diagnostics
import Fingerprints
import Formats
import Foundation
import Tensors

/// The file that says what was exported: immutable, as receipts are, so that a lost index forgets no export.
///
/// A result that was computed straight into its export lies nowhere else, so the record also tells which tensors lie where.
extension ExportRecord {
  /// A tensor that lies in a file of the export.
  struct Placed: Sendable {
    let tensor: TensorSlice
    let digest: Digest
  }

  private static let format = "mergekit-export/1"

  func bytes(placed: [Placed]) -> [UInt8] {
    let places = Dictionary(grouping: placed) { $0.tensor.slice.path }
    return SealedJSON.bytes([
      "format": .string(Self.format), "path": .string(path), "as": .string(format),
      "artifacts": .array(artifacts.map { .string($0.description) }),
      "exported": .number(exported.timeIntervalSince1970),
      "files": .array(
        files.map { file in
          [
            "name": .string(file.name), "device": .integer(file.stamp.device), "inode": .integer(file.stamp.inode),
            "size": .integer(file.stamp.size), "modified": .integer(file.stamp.modified),
            "changed": .integer(file.stamp.changed),
            "tensors": .array(
              places[path(of: file), default: []].map { placed in
                [
                  "start": .integer(placed.tensor.slice.offset), "dtype": .string(placed.tensor.dtype.rawValue),
                  "shape": placed.tensor.shape.json, "digest": .string(placed.digest.description),
                ]
              }),
          ]
        }),
    ])
  }

  /// - Throws: `OperationError` of cause `.corrupt`, or `.version` where a newer mergekit wrote it.
  static func read(_ path: String) throws -> (id: Int, export: ExportRecord, placed: [Placed]) {
    let json = try SealedJSON.read(path)
    guard json["format"]?.string == format else {
      throw OperationError(.version, "`\(path)` is not an export's record that this mergekit can read")
    }
    guard let id = Int(((path as NSString).lastPathComponent as NSString).deletingPathExtension),
      let place = json["path"]?.string, let text = json["as"]?.string, let exported = json["exported"]?.number,
      let artifacts = json["artifacts"]?.array?.map(\.digest), artifacts.allSatisfy({ $0 != nil }),
      let files = json["files"]?.array?.map(file), files.allSatisfy({ $0 != nil })
    else { throw OperationError(.corrupt, "`\(path)` is damaged: something is missing in it") }
    let export = ExportRecord(
      path: place, artifacts: artifacts.compactMap { $0 }, format: text,
      exported: Date(timeIntervalSince1970: exported), files: files.compactMap { $0?.file })
    let placed = try files.compactMap { $0 }.flatMap { file, tensors in
      try tensors.map { tensor in
        guard let placed = Placed(tensor, in: export.path(of: file), file.stamp) else {
          throw OperationError(.corrupt, "`\(path)` is damaged: it does not say where a tensor lies")
        }
        return placed
      }
    }
    return (id, export, placed)
  }

  private static func file(_ json: JSON) -> (file: File, tensors: [JSON])? {
    guard let name = json["name"]?.string, let device = json["device"]?.integer, let inode = json["inode"]?.integer,
      let size = json["size"]?.integer, let modified = json["modified"]?.integer,
      let changed = json["changed"]?.integer, let tensors = json["tensors"]?.array
    else { return nil }
    let stamp = FileStamp(device: device, inode: inode, size: size, modified: modified, changed: changed)
    return (File(name: name, stamp: stamp), tensors)
  }
}

extension ExportRecord.Placed {
  fileprivate init?(_ json: JSON, in path: String, _ stamp: FileStamp) {
    guard let start = json["start"]?.integer, let dtype = json["dtype"]?.string.flatMap(DType.init),
      let shape = json["shape"].flatMap({ Shape($0, of: dtype) }), let digest = json["digest"]?.digest
    else { return nil }
    let slice = FileSlice(path: path, offset: start, count: shape.count * dtype.size, stamp: stamp)
    self.init(tensor: TensorSlice(dtype: dtype, shape: shape, slice: slice), digest: digest)
  }
}
