import Diagnostics
import Fingerprints
import Foundation

extension Registry {
  /// A folder where a step keeps how far it has come, for whoever runs the same step after it was stopped.
  ///
  /// Whoever asks holds the key's lock.
  public func unfinishedFolder(key: Digest) throws -> String {
    _ = try writing()
    let folder = "\(layout.unfinished)/\(key.hex)"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw OperationError(.io, "`\(folder)` cannot be made")
    }
    return folder
  }

  /// Forgets how far a step had come, once it is done.
  public func removeUnfinished(key: Digest) {
    try? FileManager.default.removeItem(atPath: "\(layout.unfinished)/\(key.hex)")
  }
}
