import Diagnostics
import Foundation

/// A folder whose files are read only if they really lie in it.
///
/// Names come from the files themselves (a `weight_map`), and a downloaded folder may hold symbolic links to anywhere. A link
/// may lead to a file of the same folder, or, as in Hugging Face's cache, from `snapshots/<revision>/` to `blobs/<digest>`.
struct Folder: Sendable {
  let path: String
  /// Sorted.
  let names: [String]
  /// The path without symbolic links.
  private let place: String

  init(_ path: String) throws {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path), let place = Self.resolved(path) else {
      throw OperationError(.permission, "the folder `\(path)` may not be read")
    }
    self.path = path
    self.names = names.sorted()
    self.place = place
  }

  /// The path of a file of the folder.
  /// - Throws: `OperationError` where the file lies elsewhere. One that is not there is for its reader to miss.
  func file(_ name: String) throws -> String {
    precondition(!name.utf8.contains(UInt8(ascii: "/")), "`\(name)` is checked before it is looked for")
    let file = "\(path)/\(name)"
    guard let target = Self.resolved(file) else { return file }
    let parts = Self.split(target)
    let isCached =
      Self.split(place).folder.hasSuffix("/snapshots") && parts.name.allSatisfy(\.isHexDigit)
      && parts.folder == Self.split(Self.split(place).folder).folder + "/blobs"
    guard parts.folder == place || isCached else {
      throw OperationError(
        .data, "`\(file)` is a symbolic link to `\(target)`, outside its folder",
        helps: ["copy the file into the folder, or name the folder that it lies in"])
    }
    return file
  }

  /// Whether a name can only mean a file of the same folder, whatever the system.
  static func isPlainName(_ name: String) -> Bool {
    let hasPath = name.unicodeScalars.contains { $0 == "/" || $0 == "\\" || $0 == ":" || $0.value < 0x20 }
    return !name.isEmpty && name != "." && name != ".." && !hasPath && name.utf8.count <= 255
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    ((path as NSString).deletingLastPathComponent, (path as NSString).lastPathComponent)
  }
}
