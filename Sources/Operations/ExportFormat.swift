import Formats

/// A way to write artifacts where other programs can read them: `export merged to "out" as safetensors(shard: 2 GiB)`.
///
/// A struct of `@Param` properties, as an operation is.
public protocol ExportFormat: Decodable, Sendable {
  static var about: About { get }

  /// The kinds that it writes; it is the default for those that no format before it in the catalog accepts.
  static var accepts: [ArtifactKind] { get }

  /// Whether it can write a list of artifacts, not only one.
  static var acceptsLists: Bool { get }

  /// Whether it makes a folder or a single file.
  static var makesFolder: Bool { get }

  init()

  /// The folder that it would write of one artifact, where that holds each tensor as it is, byte for byte: a large result is
  /// then computed straight into it. Nil where it writes anything else.
  func layout(_ content: Content) throws -> FolderLayout?

  /// Writes to a path where nothing is yet (for a folder: an empty folder); whoever calls it moves the result into place.
  /// - Throws: `OperationError`.
  func write(_ contents: [Content], isList: Bool, to path: String) throws
}

extension ExportFormat {
  public func layout(_ content: Content) throws -> FolderLayout? { nil }
}
