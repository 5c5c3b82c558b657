import Diagnostics
import Fingerprints
import Formats

/// A JSON object that carries a checksum of itself, so that a damaged one is never believed.
enum SealedJSON {
  static func bytes(_ json: JSON) -> [UInt8] {
    Array(json.setting("checksum", to: .string(checksum(json))).pretty.utf8)
  }

  /// Reads an object without its checksum.
  /// - Throws: `OperationError` of cause `.corrupt` where it is not what was written.
  static func read(_ path: String) throws -> JSON {
    let bytes = try File.contents(of: path)
    guard let json = try? JSON(parsing: bytes), case .object(let members) = json else {
      throw OperationError(.corrupt, "`\(path)` is damaged: it is not a JSON object")
    }
    let rest = JSON.object(members.filter { $0.name != "checksum" })
    guard json["checksum"]?.string == checksum(rest) else {
      throw OperationError(.corrupt, "`\(path)` is damaged: it does not fit its checksum")
    }
    return rest
  }

  private static func checksum(_ json: JSON) -> String { BLAKE3.hash(Array(json.canonical.utf8)).description }
}

extension JSON {
  /// A digest that was written as text.
  var digest: Digest? { string.flatMap { Digest($0) } }
}
