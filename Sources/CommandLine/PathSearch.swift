import Diagnostics
import Foundation

/// Finds files whose names are written in another case.
enum PathSearch {
  /// The path with each of its parts as it is on disk: exactly so where that is there, else without regard to case.
  static func existing(_ path: String, from directory: String) -> String? {
    let files = FileManager.default
    if files.fileExists(atPath: Invocation.join(directory, path)) { return path }
    var found = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      let folder = found.isEmpty ? directory : Invocation.join(directory, found)
      guard let name = entry(String(part), in: folder) else { return nil }
      found += (found.isEmpty || found.hasSuffix("/") ? "" : "/") + name
    }
    return found
  }

  private static func entry(_ name: String, in folder: String) -> String? {
    let files = FileManager.default
    if name == "." || name == ".." || files.fileExists(atPath: folder + "/" + name) { return name }
    let wanted = name.lowercased()
    return (try? files.contentsOfDirectory(atPath: folder))?.sorted().first { $0.lowercased() == wanted }
  }

  /// The recipe that a path most likely means.
  static func nearest(_ path: String, from directory: String) -> String? {
    let folder = (path as NSString).deletingLastPathComponent
    guard let found = folder.isEmpty ? "" : existing(folder, from: directory) else { return nil }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: Invocation.join(directory, found))) ?? []
    let recipes = names.sorted().filter { $0.hasSuffix(".rcp") }
    let wanted = (path as NSString).lastPathComponent
    let name = NearestName.of(wanted, among: recipes) ?? recipes.first { $0 == wanted + ".rcp" }
    return name.map { found.isEmpty ? $0 : Invocation.join(found, $0) }
  }
}
