import Diagnostics
import Fingerprints
import Formats
import Foundation

/// A name that somebody gave an artifact. What is named is kept for as long as it has the name.
public struct Ref: Sendable, Hashable {
  public let name: String
  public let artifact: Digest
  /// When it came to name this artifact.
  public let since: Date

  fileprivate static let format = "mergekit-ref/1"

  fileprivate var bytes: [UInt8] {
    SealedJSON.bytes([
      "format": .string(Self.format), "name": .string(name), "artifact": .string(artifact.description),
      "since": .number(since.timeIntervalSince1970),
    ])
  }

  /// - Throws: `OperationError` of cause `.corrupt` or `.missing`.
  init(reading path: String) throws {
    let json = try SealedJSON.read(path)
    guard json["format"]?.string == Self.format, let name = json["name"]?.string,
      let artifact = json["artifact"]?.digest, let since = json["since"]?.number
    else { throw OperationError(.corrupt, "`\(path)` is damaged: something is missing in it") }
    self.init(name: name, artifact: artifact, since: Date(timeIntervalSince1970: since))
  }

  fileprivate init(name: String, artifact: Digest, since: Date) {
    self.name = name
    self.artifact = artifact
    self.since = since
  }

  /// Why a text cannot be a name; nil where it can.
  public static func complaint(about name: String) -> String? {
    let plain = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "._-@".utf8.contains(byte)
    }
    if name.isEmpty || !plain || name.utf8.count > 100 {
      return "a name has 1 to 100 letters, digits, and `.`, `_`, `-`, `@`"
    }
    if name.hasPrefix(".") || name.hasPrefix("-") { return "a name begins with a letter or a digit" }
    if Int(name) != nil { return "a number means a run" }
    if name.hasSuffix(".rcp") { return "`.rcp` means a recipe's file" }
    return nil
  }
}

extension Registry {
  private func path(ofRef name: String) -> String { "\(layout.refs)/\(name).json" }

  /// All names, sorted.
  /// - Throws: `OperationError` of cause `.corrupt`: what a damaged one named must not pass for unnamed.
  public func refs() throws -> [Ref] {
    try names(in: layout.refs).filter { $0.hasSuffix(".json") }.map { try Ref(reading: "\(layout.refs)/\($0)") }
  }

  public func ref(_ name: String) throws -> Ref? {
    guard Ref.complaint(about: name) == nil, FileStamp(path: path(ofRef: name)) != nil else { return nil }
    return try Ref(reading: path(ofRef: name))
  }

  /// Gives an artifact a name.
  /// - Parameter replaces: Whether the name is taken from what has it now.
  /// - Throws: `OperationError` where the name cannot be one or is taken, or where there is no such artifact.
  public func name(_ artifact: Digest, _ name: String, replaces: Bool) throws {
    if let complaint = Ref.complaint(about: name) {
      throw OperationError(.data, "`\(name)` cannot be a name", notes: [complaint])
    }
    let workspace = try writing()
    guard try index.read({ try $0.artifact(artifact) }) != nil else {
      throw OperationError(.missing, "`\(artifact.short)` is not in the registry")
    }
    let new = try workspace.write(Ref(name: name, artifact: artifact, since: Date()).bytes)
    defer { unlink(new) }
    if replaces { return try replace(path(ofRef: name), with: new) }
    guard try !giveName(new, path(ofRef: name)) else { return }
    guard let there = try ref(name), there.artifact != artifact else { return }
    throw OperationError(
      .output, "`\(name)` names `\(there.artifact.short)` already", helps: ["`--force` gives it to the other"])
  }

  /// Takes a name away; what it named is then kept no longer than anything else.
  /// - Throws: `OperationError` of cause `.missing`.
  public func removeRef(_ name: String) throws {
    _ = try writing()
    guard Ref.complaint(about: name) == nil, unlink(path(ofRef: name)) == 0 else {
      throw OperationError(.missing, "nothing has the name `\(name)`", helps: ["`mergekit ref list` lists the names"])
    }
    try synchronizeFolder(layout.refs)
  }
}
