import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Recipes
import Registry

/// Writes a recipe's exports under one folder: whole or not at all, never through a symbolic link.
public struct Exporter: Sendable {
  /// What became of an export.
  public struct Written: Sendable {
    /// Where it is, seen from the working directory.
    public let path: String
    /// Whether it was there already, with the same content.
    public let wasUpToDate: Bool
    /// Whether it was computed in its place: then not all of it was read again, but samples.
    public var isSampled = false
  }

  /// The folder under which all exports land; absolute.
  let root: String
  /// Whether other content that is there already is replaced.
  let replaces: Bool
  /// How one writes to another place, as helps say it.
  let elsewhere: String
  let catalog: Catalog
  let registry: Registry
  /// The recipe that is applied, and its title; none where an artifact is exported by itself: then it is looked up.
  public var recipe: (name: String, text: String, title: String)?
  /// Whether what is written beside a model keeps the absolute paths of the recipe, instead of only the last part of each.
  public var keepsPaths = false

  public init(
    root: String, replaces: Bool, elsewhere: String = "`--out DIR` writes elsewhere", catalog: Catalog,
    registry: Registry
  ) {
    self.root = root
    self.replaces = replaces
    self.elsewhere = elsewhere
    self.catalog = catalog
    self.registry = registry
  }

  /// Checks, before anything runs, that there is a format for what is exported and a place to write it.
  /// - Throws: `OperationError`.
  public func check(_ export: Export, kinds: [ArtifactKind]) throws {
    _ = try format(for: export, kinds: kinds)
    try checkWritable(export.path)
  }

  /// Writes artifacts to where a recipe wants them.
  /// - Parameter artifacts: The digest of each of the export's steps, in order.
  /// - Throws: `OperationError`.
  public func export(_ export: Export, artifacts: [Digest]) throws -> Written {
    let target = root + "/" + export.path
    let contents = try zip(artifacts, export.steps).map { digest, _ in
      guard let content = try registry.content(digest) else {
        throw OperationError(
          .corrupt, "`\(digest)` is no longer in the registry, so `\(export.path)` cannot be written")
      }
      return content
    }
    let format = try format(for: export, kinds: contents.map(\.kind))
    let description = description(of: export, format)
    if try isCurrent(target, artifacts, description) { return Written(path: export.path, wasUpToDate: true) }
    try checkWritable(export.path)
    let wasThere = try write(contents, artifacts, export, format, to: target)
    // One who may only read the registry exports all the same, and it is not remembered.
    if registry.isReadOnly { return Written(path: export.path, wasUpToDate: wasThere) }
    try registry.recordExport(ExportRecord(path: target, artifacts: artifacts, format: description))
    return Written(path: export.path, wasUpToDate: wasThere)
  }

  /// What there is at the place of an export before anything runs.
  public enum Standing: Sendable {
    case nothing
    /// The export itself.
    case current
    /// Something else, or what may come to be something else.
    case other
  }

  /// Looks at the place of a plan's export.
  /// - Throws: `OperationError`.
  public func standing(of export: Export, in plan: Plan) throws -> Standing {
    let target = root + "/" + export.path
    guard FileManager.default.fileExists(atPath: target) else { return .nothing }
    let artifacts = export.steps.compactMap { plan[$0]?.artifact }
    guard artifacts.count == export.steps.count else { return .other }
    let kinds = export.steps.compactMap { plan.graph[$0].kind(in: catalog) }
    let description = description(of: export, try format(for: export, kinds: kinds))
    return try isCurrent(target, artifacts, description) ? .current : .other
  }

  private func isCurrent(_ target: String, _ artifacts: [Digest], _ description: String) throws -> Bool {
    guard let record = try registry.export(at: target) else { return false }
    return record.artifacts == artifacts && record.format == description && record.isUntouched
  }

  // MARK: Placing

  /// Where a large result is to be computed straight into its export; nil where it is not, or where something is there.
  func placement(
    for export: Export, _ content: Content, by run: @escaping @Sendable (_ output: Digest) throws -> Run
  ) throws -> Placement? {
    let target = root + "/" + export.path
    guard !export.isList, content.byteCount >= Self.smallestPlaced, !FileManager.default.fileExists(atPath: target)
    else { return nil }
    let format = try format(for: export, kinds: [content.kind])
    guard let layout = try format.format.init(binding: binding(of: export)).layout(content) else { return nil }
    try checkWritable(export.path)
    let staging = try ExportStaging(for: export.path, in: root, registry)
    try staging.makeFolder()
    return Placement(
      layout, in: staging.path,
      publish: { artifact in
        try writeProvenance(of: content, made: try run(artifact), to: staging.path)
        try WrittenFolder(path: staging.path).check(holds: content, isRead: false)
        guard try staging.publish() else {
          throw OperationError(.output, "`\(export.path)` was made by somebody else while it was written")
        }
        return target
      }, discard: staging.discard)
  }

  /// Remembers an export that was computed in its place.
  func recordPlaced(_ export: Export, _ content: Content, artifact: Digest) throws {
    let description = description(of: export, try format(for: export, kinds: [content.kind]))
    try registry.recordExport(
      ExportRecord(path: root + "/" + export.path, artifacts: [artifact], format: description))
  }

  /// Bytes below which a result is kept in the registry as well: it costs little, and the export may go.
  private static let smallestPlaced = 64 << 20

  // MARK: Formats

  private func format(for export: Export, kinds: [ArtifactKind]) throws -> Catalog.Format {
    let chosen = export.format.map { catalog.format($0.name) } ?? kinds.first.flatMap(catalog.defaultFormat)
    guard let format = chosen else {
      throw OperationError(.output, "no format writes this: \(kinds.first?.name ?? "a list of nothing")")
    }
    if let misfit = kinds.first(where: { !format.format.accepts.contains($0) }) {
      throw OperationError(.output, "`\(format.signature.name)` does not write this: \(misfit)")
    }
    if export.isList, !format.format.acceptsLists {
      throw OperationError(
        .output, "`\(format.signature.name)` writes one \(kinds.first?.name ?? "artifact"), not a list",
        helps: ["export each to a place of its own"])
    }
    return format
  }

  private func description(of export: Export, _ format: Catalog.Format) -> String {
    let settings = format.signature.slots.map { slot in
      let value = export.format?.settings[slot.name] ?? slot.defaultValue ?? .none
      return "\(slot.name): \(value.canonical)"
    }
    return "\(format.signature.name)(\((settings + (export.isList ? ["list"] : [])).joined(separator: ", ")))"
  }

  // MARK: Writing

  /// Writes beside the target and moves it into place; returns whether the same was there already.
  private func write(
    _ contents: [Content], _ artifacts: [Digest], _ export: Export, _ format: Catalog.Format, to target: String
  ) throws -> Bool {
    let staging = try ExportStaging(for: export.path, in: root, registry)
    defer { staging.discard() }
    if format.format.makesFolder { try staging.makeFolder() }
    try format.format.init(binding: binding(of: export)).write(contents, isList: export.isList, to: staging.path)
    if format.format.makesFolder {
      for (content, artifact) in zip(contents, artifacts) {
        try WrittenFolder(path: staging.path).check(holds: content, isRead: true)
        if let made = try registry.runs(producing: artifact).first {
          try writeProvenance(of: content, made: made, to: staging.path)
        }
      }
    }
    if try !staging.isTaken && staging.publish() { return false }
    if try Self.isSame(staging.path, as: target) { return true }
    guard replaces else {
      throw OperationError(
        .output, "`\(export.path)` is there already, with other content",
        helps: ["`--force` replaces it, \(elsewhere)"])
    }
    if let source = try registry.source(of: artifacts, under: target) {
      throw OperationError(
        .output, "`\(export.path)` cannot be replaced: `\(source)` is what the result was made from", helps: [elsewhere]
      )
    }
    try staging.replace()
    return false
  }

  /// Whether an export is there already. Its card does not count: people write on in it, and keep what they wrote.
  private static func isSame(_ made: String, as there: String) throws -> Bool {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: made, isDirectory: &isFolder), isFolder.boolValue,
      files.fileExists(atPath: there, isDirectory: &isFolder), isFolder.boolValue
    else { return files.contentsEqual(atPath: made, andPath: there) }
    func names(_ folder: String) throws -> [String] {
      try files.contentsOfDirectory(atPath: folder).filter { $0 != ExportedFiles.card }.sorted()
    }
    let own = try names(made)
    return try own == names(there)
      && own.allSatisfy { files.contentsEqual(atPath: "\(made)/\($0)", andPath: "\(there)/\($0)") }
  }

  /// Writes beside an artifact where it comes from.
  private func writeProvenance(of content: Content, made: Run, to folder: String) throws {
    let recipe = try recipe ?? foundRecipe(of: made)
    let shown = recipe.map { recipe in
      keepsPaths ? recipe.text : Listing(Source(name: recipe.name, text: recipe.text)).withoutPaths.text
    }
    let provenance = try Provenance(
      content, made: made,
      recipe: recipe.flatMap { recipe in shown.map { ((recipe.name as NSString).lastPathComponent, $0) } },
      catalog: catalog, registry: registry)
    let title = [recipe?.title ?? "", made.label].first { !$0.isEmpty }.map {
      keepsPaths ? $0 : Listing.withoutPaths($0)
    }
    for file in ExportedFiles.of(provenance, title: title ?? "Model", content) {
      try NewFile.write(file.bytes, to: "\(folder)/\(file.name)")
    }
  }

  /// The recipe that made or found a run last.
  private func foundRecipe(of run: Run) throws -> (name: String, text: String, title: String)? {
    try registry.applies(with: run.id).last.map { apply in
      let recipe = Recipe(Source(name: apply.recipe, text: apply.text), path: apply.recipe)
      return (apply.recipe, apply.text, recipe.title ?? "")
    }
  }

  private func binding(of export: Export) -> [String: Binding] {
    (export.format?.settings ?? [:]).mapValues { .value($0) }
  }

  /// Checks that the nearest folder that is there can be written, and that no part of the path is a symbolic link.
  private func checkWritable(_ path: String) throws {
    var place = root
    let parts = path.split(separator: "/").map(String.init)
    for part in parts {
      let next = place + "/" + part
      var status = stat()
      guard lstat(next, &status) == 0 else { break }
      if status.st_mode & S_IFMT == S_IFLNK {
        throw OperationError(.output, "`\(next)` is a symbolic link, and exports never follow one")
      }
      place = next
    }
    let folder = place == root + "/" + path ? (place as NSString).deletingLastPathComponent : place
    var nearest = folder
    while !FileManager.default.fileExists(atPath: nearest), nearest.count > 1 {
      nearest = (nearest as NSString).deletingLastPathComponent
    }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: nearest, isDirectory: &isFolder)
    guard isFolder.boolValue, access(nearest, W_OK) == 0 else {
      throw OperationError(
        .output, "`\(path)` cannot be written: `\(nearest)` \(isFolder.boolValue ? "is read-only" : "is not a folder")",
        helps: [elsewhere])
    }
  }
}
