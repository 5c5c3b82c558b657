import Diagnostics
import Formats
import Foundation
import Operations
import Registry

/// A folder of safetensors that was just written, looked at again before it goes to its place.
struct WrittenFolder {
  let path: String

  /// Checks that the folder has every tensor of a content, of its shape; those that were to be written as they are, byte for byte.
  /// - Parameter isRead: Whether the bytes are read again, or only the headers: of what was computed in its place,
  ///   samples were read again already.
  /// - Throws: `OperationError` of cause `.io`: the disk has not kept what was written.
  func check(holds content: Content, isRead: Bool) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".safetensors") }
      .sorted()
    var found: [String: (SafetensorsFile, SafetensorsHeader.Entry)] = [:]
    for name in names {
      let file = try SafetensorsFile("\(path)/\(name)")
      for entry in file.entries { found[entry.name] = (file, entry) }
    }
    for tensor in content.tensors {
      guard let (file, entry) = found[tensor.name], entry.shape == tensor.shape else { throw failure(tensor.name) }
      guard isRead, entry.dtype == tensor.dtype, let digest = tensor.digest else { continue }
      guard try Registry.digest(of: file.slice(of: entry), entry.dtype, entry.shape) == digest else {
        throw failure(tensor.name)
      }
    }
  }

  private func failure(_ tensor: String) -> OperationError {
    OperationError(
      .io, "`\(tensor)` is not on the disk as it was written to `\(path)`",
      helps: ["check the disk, then apply again: what is done is kept"])
  }
}
