import Foundation

/// Where the models that a file names are looked for: where mergekit would be run, then in folders of models, then in the Hub's
/// cache.
public struct ModelSearch: Sendable {
  /// Where relative paths of the file are seen from; absolute.
  let directory: String
  /// Folders that models lie in under their names; absolute.
  let folders: [String]
  let cache: HubCache?

  public init(directory: String, folders: [String] = [], cache: HubCache? = nil) {
    self.directory = directory
    self.folders = folders
    self.cache = cache
  }

  struct Found {
    /// Absolute.
    let path: String
    /// Whether a recipe names it by its absolute path: the file does so, or it lies in the cache.
    var isAbsolute = false
    /// Whether it is the revision that was asked for; a plain folder has none.
    var hasRevision = true
  }

  /// What a part of a model's name stands for; nil where nothing of that name is anywhere.
  func find(_ part: ModelReference.Part) -> Found? {
    let isThere = FileManager.default.fileExists(atPath:)
    if part.path.hasPrefix("/") {
      return isThere(part.path) ? Found(path: part.path, isAbsolute: true, hasRevision: part.revision == nil) : nil
    }
    let names = [part.path, part.path.split(separator: "/").last.map(String.init) ?? part.path]
    let plain = [directory + "/" + part.path] + folders.flatMap { folder in names.map { folder + "/" + $0 } }
    let cached = (folders.map(HubCache.init) + [cache].compactMap { $0 }).lazy.compactMap {
      $0.snapshot(of: part.path, revision: part.revision).map { Found(path: $0, isAbsolute: true) }
    }
    let folder = plain.first(where: isThere).map { Found(path: $0, hasRevision: part.revision == nil) }
    // Where a revision is asked for, one that is known to be it comes first.
    return part.revision == nil ? folder ?? cached.first : cached.first ?? folder
  }
}
