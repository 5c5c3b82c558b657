import Diagnostics
import Foundation
import Operations
import Recipes

/// A recipe that a command line named, with its parameters set.
struct LoadedRecipe {
  /// The path as it was found, seen from the working directory.
  let name: String
  let text: String
  let graph: Graph
}

extension Invocation {
  /// Reads and checks the recipe that the command names, with the settings that the command line gives.
  func loadRecipe() throws -> LoadedRecipe {
    return stubRecipe(PathSearch.existing(arguments.operand, from: directory) ?? arguments.operand)
  }
}

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
}
