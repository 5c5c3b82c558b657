import Diagnostics
import Operations
import Recipes

/// A file of arcee's mergekit as a recipe that means the same.
public struct MergekitImport: Sendable {
  /// The recipe, in its one form.
  public let recipe: String
  public let warnings: [Diagnostic]

  /// What keeps a file from being imported.
  public struct Failure: Error {
    /// Errors and warnings.
    public let diagnostics: [Diagnostic]
    /// Whether all that is wrong is that models are not there.
    public let isOnlyMissingModels: Bool
  }

  /// Reads a file and writes its recipe.
  ///
  /// - Parameters:
  ///   - source: The file's text.
  ///   - search: Where its models are looked for.
  ///   - recipeFolder: Where the recipe will lie; absolute.
  /// - Throws: `Failure` with all mistakes.
  public init(_ source: Source, search: ModelSearch, recipeFolder: String, catalog: Catalog) throws {
    let nodes: [YAMLNode]
    do {
      nodes = try YAMLReader.documents(of: source)
    } catch let error as DiagnosticsError {
      throw Failure(diagnostics: error.diagnostics, isOnlyMissingModels: false)
    }
    var diagnostics: [Diagnostic] = []
    var documents: [MergeDocument] = []
    var mixture: MixtureDocument?
    for node in nodes {
      if let experts = node.mapping?.first(where: { $0.key == "experts" }) {
        if nodes.count > 1 { diagnostics.append(.mixtureAmongOthers(at: experts.keyPlace)) }
        let (document, mistakes) = DocumentReader.readMixture(node)
        diagnostics += mistakes
        mixture = document
        continue
      }
      let (document, mistakes) = DocumentReader.read(node)
      diagnostics += mistakes
      if let document { documents.append(document) }
    }
    if nodes.isEmpty { diagnostics.append(.emptyDocument(at: Place(source, 0..<0))) }
    let stages = Stages(documents)
    diagnostics += stages.diagnostics
    var writer = RecipeWriter(
      source: source, finder: ModelFinder(search, recipeFolder: recipeFolder, catalog: catalog), catalog: catalog)
    // Merges that do not follow from one another would only bring up more of the same.
    if stages.diagnostics.isEmpty { writer.write(stages.ordered) }
    if let mixture { writer.write(mixture, at: nodes[0].start) }
    let hadErrors = (diagnostics + writer.diagnostics).contains { $0.severity == .error }
    diagnostics += writer.diagnostics
    diagnostics += writer.finder.diagnostics
    guard !diagnostics.contains(where: { $0.severity == .error }) else {
      throw Failure(
        diagnostics: diagnostics, isOnlyMissingModels: !hadErrors && !writer.finder.hasOtherErrors)
    }
    recipe = try Self.checked(writer.text, catalog: catalog)
    warnings = diagnostics
  }

  /// The text in its one form, once the language has nothing against it.
  private static func checked(_ text: String, catalog: Catalog) throws -> String {
    do {
      let source = Source(name: "the recipe", text: try Recipe.formatted(Source(name: "the recipe", text: text)))
      let elaboration = Recipe(source, path: "/recipe.rcp").elaborated(catalog) { _ in "" }
      guard !elaboration.hasErrors else { throw DiagnosticsError(elaboration.diagnostics) }
      return source.text
    } catch let error as DiagnosticsError {
      throw Failure(diagnostics: error.diagnostics, isOnlyMissingModels: false)
    }
  }
}

/// The merges of a file in the order in which they can be made; the last is the one that is exported.
struct Stages {
  private(set) var ordered: [MergeDocument] = []
  private(set) var diagnostics: [Diagnostic] = []

  init(_ documents: [MergeDocument]) {
    var named: [String: MergeDocument] = [:]
    for document in documents {
      guard let name = document.name else { continue }
      if let first = named[name.value]?.name {
        diagnostics.append(.stageTwice(name, first: first.place))
      } else {
        named[name.value] = document
      }
    }
    for document in documents.dropLast() where document.name == nil {
      diagnostics.append(.stageWithoutName(at: document.method.place))
    }
    var done: Set<String> = []
    for document in documents { visit(document, named, &done, path: []) }
    if let last = documents.last, let index = ordered.firstIndex(where: { $0.method.place == last.method.place }),
      index != ordered.count - 1, diagnostics.isEmpty
    {
      diagnostics.append(.lastStageUsed(at: last.method.place))
    }
  }

  private mutating func visit(
    _ document: MergeDocument, _ named: [String: MergeDocument], _ done: inout Set<String>, path: [String]
  ) {
    let name = document.name?.value
    if let name, done.contains(name) { return }
    let path = path + [name].compactMap { $0 }
    for reference in document.references where reference.model.revision == nil {
      guard let stage = named[reference.model.path] else { continue }
      if path.contains(reference.model.path) {
        diagnostics.append(.stageOfItself(reference))
        continue
      }
      visit(stage, named, &done, path: path)
    }
    if let name { done.insert(name) }
    ordered.append(document)
  }
}
