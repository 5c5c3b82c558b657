import Diagnostics
import Foundation

/// A folder whose files are read only if they really lie in it.
///
/// Names come from the files themselves (a `weight_map`), and a downloaded folder may hold symbolic links to anywhere. A link
/// may lead to a file of the same folder, or, as in Hugging Face's cache, from `snapshots/<revision>/` to `blobs/<digest>`.
/// The kernel sees to that while it opens the file (`openat2`), so a link that is swapped meanwhile leads nowhere either.
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

  /// Opens a file of the folder.
  /// - Throws: `OperationError` where it is not there, or lies elsewhere.
  func file(_ name: String) throws -> File {
    precondition(!name.utf8.contains(UInt8(ascii: "/")), "`\(name)` is checked before it is looked for")
    let path = "\(path)/\(name)"
    if let target = Self.resolved(path), !isInside(target) {
      throw OperationError(
        .data, "`\(path)` is a symbolic link to `\(target)`, outside its folder",
        helps: ["copy the file into the folder, or name the folder that it lies in"])
    }
    return try cacheRoot.map { try File("\(snapshot ?? "")/\(name)", beneath: $0, calledAs: path) }
      ?? File(name, beneath: place, calledAs: path)
  }

  /// Whether a link may lead to a place.
  private func isInside(_ target: String) -> Bool {
    let parts = Self.split(target)
    return parts.folder == place
      || cacheRoot.map { parts.folder == $0 + "/blobs" && parts.name.allSatisfy(\.isHexDigit) } ?? false
  }

  /// The folder of a model in Hugging Face's cache, where this is a snapshot of it.
  private var cacheRoot: String? {
    let parent = Self.split(place).folder
    return parent.hasSuffix("/snapshots") ? Self.split(parent).folder : nil
  }

  /// This folder seen from there.
  private var snapshot: String? { cacheRoot.map { String(place.dropFirst($0.count + 1)) } }

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
