/// A module of operations: what a folder under `Plugins/` declares.
public struct Plugin: Sendable {
  public let name: String
  /// One sentence that says what its operations have in common.
  public let summary: String
  public let operations: [any RecipeOperation.Type]
  public let formats: [any ExportFormat.Type]

  public init(
    _ name: String, _ summary: String, operations: [any RecipeOperation.Type], formats: [any ExportFormat.Type] = []
  ) {
    self.name = name
    self.summary = summary
    self.operations = operations
    self.formats = formats
  }
}

/// All operations and export formats there are.
public struct Catalog: Sendable {
  public struct Entry: Sendable {
    public let operation: any RecipeOperation.Type
    public let signature: Signature
    public let plugin: String
  }

  public struct Format: Sendable {
    public let format: any ExportFormat.Type
    public let signature: Signature

    init(_ format: any ExportFormat.Type) {
      self.format = format
      signature = Signature(format: format)
    }
  }

  public let plugins: [Plugin]
  /// In the order of the plugins and of their lists.
  public let entries: [Entry]
  public let formats: [Format]
  private let byName: [String: Entry]

  public init(_ plugins: [Plugin]) {
    self.plugins = plugins
    entries = plugins.flatMap { plugin in
      plugin.operations.map { Entry(operation: $0, signature: Signature($0), plugin: plugin.name) }
    }
    formats = plugins.flatMap(\.formats).map { Format($0) }
    byName = Dictionary(entries.map { ($0.signature.name, $0) }) { first, _ in
      preconditionFailure("two operations are called `\(first.signature.name)`")
    }
  }

  public subscript(name: String) -> Entry? { byName[name] }

  public func format(_ name: String) -> Format? { formats.first { $0.signature.name == name } }

  /// The format that writes a kind where a recipe names none.
  public func defaultFormat(for kind: ArtifactKind) -> Format? { formats.first { $0.format.accepts.contains(kind) } }
}
