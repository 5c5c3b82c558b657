import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors

/// An object that is being written: its tensors at offsets that are known before any of them is, its header last.
struct NewObject: Sendable {
  let path: String
  /// The parts of the manifest that it holds.
  let stored: [Int]
  private let file: NewFile
  private let layout: SafetensorsLayout
  /// Where each stored part begins.
  private let offsets: [Int]

  /// Asks the disk for all the bytes at once, so that a full one shows now.
  /// - Parameter manifest: Digests that are not known yet may be of zeros.
  init(_ manifest: Manifest, storing stored: [Int], at path: String) throws {
    let parts = stored.map { manifest.parts[$0] }
    var names: Set<String> = []
    if let twice = parts.first(where: { !names.insert($0.objectName).inserted }) {
      throw OperationError(.data, "two tensors of the result are called `\(twice.name)`")
    }
    layout = SafetensorsLayout(
      parts.map { ($0.objectName, $0.dtype, $0.shape) }, metadata: [(StoredObject.metadataName, manifest.text)])
    guard layout.header.count - 8 <= SafetensorsHeader.longest else {
      throw OperationError(
        .step, "the result is described by \(layout.header.count) bytes, and may be by \(SafetensorsHeader.longest)")
    }
    let starts = Dictionary(layout.entries.map { (Array($0.name.utf8), $0.bytes.lowerBound) }) { first, _ in first }
    let headerLength = layout.header.count
    offsets = parts.compactMap { part in starts[Array(part.objectName.utf8)].map { headerLength + $0 } }
    precondition(offsets.count == stored.count, "an object has a place for each of its tensors")
    (self.path, self.stored) = (path, stored)
    file = try NewFile(path, reserving: layout.fileLength)
  }

  /// Where a stored part goes. Several threads may write at once.
  func place(ofPart part: Int) -> TensorPlace {
    // The threads that have no tensor of their own help with the others'.
    TensorPlace(
      file: file, offset: offsets[part], isShared: stored.count < ProcessInfo.processInfo.activeProcessorCount)
  }

  /// Writes the header, and puts all of it on the disk for good.
  func finish(_ manifest: Manifest) throws {
    let final = layout.with(metadata: [(StoredObject.metadataName, manifest.text)])
    precondition(final.header.count == layout.header.count, "digests have one length")
    try file.write(final.header, at: 0)
    try file.finish(isReadOnly: true)
  }

  /// Removes what was not published.
  func remove() { unlink(path) }
}
