import Foundation

/// Hugging Face's cache of what was downloaded: `models--ORG--NAME/snapshots/COMMIT`, with branches and tags under `refs`.
public struct HubCache: Sendable {
  let folder: String

  /// - Parameter folder: Absolute.
  init(_ folder: String) { self.folder = folder }

  /// The one that `huggingface_hub` uses: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in the user's caches.
  public init?(environment: [String: String]) {
    func place(_ name: String, _ rest: String = "") -> String? {
      environment[name].flatMap { $0.hasPrefix("/") ? $0 + rest : nil }
    }
    let folder =
      place("HF_HUB_CACHE") ?? place("HF_HOME", "/hub") ?? place("XDG_CACHE_HOME", "/huggingface/hub")
      ?? place("HOME", "/.cache/huggingface/hub")
    guard let folder else { return nil }
    self.folder = folder
  }

  /// The folder of a model; nil where it is not there, or the revision is not.
  /// - Parameters:
  ///   - name: `ORG/NAME`.
  ///   - revision: A branch, a tag or a commit; `main` unless it is said, or the only one there is.
  func snapshot(of name: String, revision: String?) -> String? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ Self.isPlain(String($0)) }) else { return nil }
    let model = "\(folder)/models--\(parts.joined(separator: "--"))"
    let commit: String
    if let named = text("\(model)/refs/\(revision ?? "main")") {
      commit = named
    } else if let revision {
      commit = revision
    } else {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "\(model)/snapshots")) ?? []
      guard all.count == 1 else { return nil }
      commit = all[0]
    }
    let snapshot = "\(model)/snapshots/\(commit)"
    return Self.isPlain(commit) && FileManager.default.fileExists(atPath: snapshot) ? snapshot : nil
  }

  private func text(_ path: String) -> String? {
    // A branch may have slashes in its name, but leads nowhere else.
    guard path.split(separator: "/").allSatisfy({ Self.isPlain(String($0)) }) else { return nil }
    return (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.contains("/") && !name.utf8.contains(0)
  }
}
