import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors

/// A file of the registry: a manifest and some of the tensors that it lists.
///
/// It is called by the artifact's digest. Where the same artifact was stored before, with fewer of its tensors because
/// the others lay elsewhere then, a second object is called `<digest>-2`.
struct StoredObject: Sendable {
  /// Seen from the registry: `objects/ab/ab….safetensors`.
  let name: String
  let manifest: Manifest
  let stamp: FileStamp
  /// Which of the manifest's parts it holds, and where.
  let stored: [(part: Int, slice: FileSlice)]

  var slices: [TensorSlice] {
    stored.map {
      TensorSlice(dtype: manifest.parts[$0.part].dtype, shape: manifest.parts[$0.part].shape, slice: $0.slice)
    }
  }

  static let metadataName = "mergekit"

  /// The name of an artifact's object, from 1.
  static func name(_ artifact: Digest, _ number: Int) -> String {
    "objects/\(artifact.hex.prefix(2))/\(artifact.hex)\(number > 1 ? "-\(number)" : "").safetensors"
  }

  /// The artifact whose object has this name; nil for any other file.
  static func artifact(ofName name: String) -> Digest? {
    let file = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    guard file.hasSuffix(".safetensors") else { return nil }
    let parts = file.dropLast(".safetensors".count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.dropFirst().allSatisfy({ Int($0) != nil }) else { return nil }
    return Digest(parts[0])
  }

  /// Reads an object's header and checks that it is what its name says; the tensors' bytes are not looked at.
  /// - Throws: `OperationError` of cause `.missing` or `.corrupt`.
  init(_ name: String, in registry: String) throws {
    let path = registry + "/" + name
    func damaged(_ reason: String) -> OperationError {
      OperationError(
        .corrupt, "the object `\(path)` is damaged: \(reason)",
        helps: ["`mergekit verify --repair` removes it; the next apply makes anew what was in it"])
    }
    let file: SafetensorsFile
    do {
      file = try SafetensorsFile(path)
    } catch let error as OperationError where error.cause == .data {
      throw damaged(error.message)
    }
    let text = file.header.metadata.first { $0.name == Self.metadataName }?.text
    guard let manifest = text.flatMap({ Manifest(parsing: $0) }) else { throw damaged("it has no manifest") }
    guard manifest.digest == Self.artifact(ofName: name) else { throw damaged("its manifest is another artifact's") }
    let parts = Dictionary(zip(manifest.parts.map { Array($0.objectName.utf8) }, manifest.parts.indices)) { first, _ in
      first
    }
    stored = try file.header.entries.map { entry in
      guard let part = parts[Array(entry.name.utf8)], manifest.parts[part].dtype == entry.dtype,
        manifest.parts[part].shape == entry.shape
      else { throw damaged("`\(entry.name)` is not in its manifest") }
      return (part, file.slice(of: entry))
    }
    (self.name, self.manifest, stamp) = (name, manifest, file.stamp)
  }

  /// Reads all bytes and checks that they are what the manifest says.
  /// - Throws: `OperationError` of cause `.corrupt` naming the first tensor that is not.
  func checkBytes(isCancelled: @Sendable () -> Bool = { false }) throws {
    let found = try hash(slices, isCancelled: isCancelled)
    for (digest, (part, slice)) in zip(found, stored) where digest != manifest.parts[part].digest {
      throw OperationError(
        .corrupt,
        "the object `\(slice.path)` is damaged: `\(manifest.parts[part].name)` has other bytes than were stored",
        helps: ["`mergekit verify --repair` removes it; the next apply makes anew what was in it"])
    }
  }
}
