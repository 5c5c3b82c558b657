import Formats
import Foundation

/// What a model on disk is called on the Hugging Face Hub, or what published models it says it was made from.
struct PublishedNames {
  /// Its own name, `owner/model`, where it lies in the Hub's cache.
  private(set) var own: String?
  /// The `base_model` of its card, or else what its configuration says that it was loaded from.
  private(set) var bases: [String] = []

  /// - Parameters:
  ///   - files: Its files on disk.
  ///   - loadedFrom: The `_name_or_path` of its configuration, which may be a folder of somebody's disk.
  init(files: [String], loadedFrom: String?) {
    own = files.lazy.compactMap(Self.cached).first
    let folders = files.map { ($0 as NSString).deletingLastPathComponent }
    let card = folders.first.flatMap { try? File.contents(of: $0 + "/README.md", limit: 1 << 20) }
    bases = (card.map { Self.baseModels(ofCard: String(decoding: $0, as: UTF8.self)) } ?? []).filter(Self.isName)
    if bases.isEmpty, let loadedFrom, Self.isName(loadedFrom) { bases = [loadedFrom] }
  }

  /// What a card of the models made from it can name: itself, or else what it was made from.
  var nearest: [String] { own.map { [$0] } ?? bases }

  /// Whether a name has the form `owner/model`. One without an owner may be a folder of somebody's disk.
  static func isName(_ name: String) -> Bool {
    name.utf8.count <= 96 && name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*/) != nil
  }

  /// The name that a path in the Hub's cache has in it.
  private static func cached(_ path: String) -> String? {
    guard let folder = path.split(separator: "/").last(where: { $0.hasPrefix("models--") }) else { return nil }
    let name = folder.dropFirst("models--".count).components(separatedBy: "--").joined(separator: "/")
    return isName(name) ? name : nil
  }

  /// The `base_model` of a card's front matter: one name, a list in brackets, or one on each line. Whatever else a card may hold is
  /// passed over: this is somebody's file, and only names are taken from it.
  static func baseModels(ofCard text: String) -> [String] {
    let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }.map(String.init)
    guard lines.first?.trimmingCharacters(in: .whitespaces) == "---" else { return [] }
    let matter = lines.dropFirst().prefix { $0.trimmingCharacters(in: .whitespaces) != "---" }
    guard let start = matter.firstIndex(where: { $0.hasPrefix("base_model:") }) else { return [] }
    let value = matter[start].dropFirst("base_model:".count).trimmingCharacters(in: .whitespaces)
    let items =
      value.isEmpty || value.hasPrefix("#")
      ? matter[(start + 1)...].prefix { $0.hasPrefix("-") || $0.hasPrefix(" ") || $0.isEmpty }.map {
        String($0.trimmingCharacters(in: .whitespaces).drop { $0 == "-" })
      }
      : value.trimmingCharacters(in: ["[", "]"]).split(separator: ",").map(String.init)
    return items.map(Self.plain).filter { !$0.isEmpty }
  }

  /// A YAML text on one line without its quotes, or what stands before a comment.
  private static func plain(_ text: String) -> String {
    let text = text.trimmingCharacters(in: .whitespaces)
    if let quote = text.first, quote == "\"" || quote == "'" {
      return String(text.dropFirst().prefix { $0 != quote })
    }
    return String(text.prefix { !$0.isWhitespace && $0 != "#" })
  }
}
