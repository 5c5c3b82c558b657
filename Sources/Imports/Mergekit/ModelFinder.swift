import Diagnostics
import Formats
import Foundation
import Operations

/// A model of a file, as the recipe has it.
struct FoundModel: Sendable {
  /// What the recipe calls it.
  let name: String
  /// Its expression in the recipe; none for the result of another merge, which has a statement of its own.
  let expression: String?
  /// None where it is not there, which is reported.
  let outline: ModelOutline?
}

/// Finds the models that a file names, and names them for the recipe.
struct ModelFinder {
  let search: ModelSearch
  /// Where the recipe will lie; absolute.
  let recipeFolder: String
  let catalog: Catalog
  var diagnostics: [Diagnostic] = []
  /// Whether some error is about anything but a model that is not there.
  private(set) var hasOtherErrors = false
  /// In the order in which they are first mentioned.
  private(set) var models: [(key: String, model: FoundModel)] = []
  private var names: Set<String>

  init(_ search: ModelSearch, recipeFolder: String, catalog: Catalog) {
    self.search = search
    self.recipeFolder = recipeFolder
    self.catalog = catalog
    names = Self.taken.union(catalog.entries.map(\.signature.name)).union(catalog.formats.map(\.signature.name))
  }

  /// Words of the language, and its functions.
  private static let taken: Set<String> = [
    "recipe", "use", "param", "let", "fn", "require", "export", "as", "to", "in", "if", "then", "else", "for", "match",
    "and", "or", "not", "true", "false", "none", "zip", "gradient", "first", "mean", "spread", "min", "max", "sum",
    "abs", "length", "tensor", "layer", "merged",
  ]

  /// Makes a merge's result known under the name that its document has.
  mutating func define(_ name: String, recipeName: String, outline: ModelOutline?) {
    models.append((name, FoundModel(name: recipeName, expression: nil, outline: outline)))
  }

  /// A model by its reference; all mistakes of it are reported once.
  mutating func find(_ reference: ModelReference, isBase: Bool = false) -> FoundModel {
    if let known = models.first(where: { $0.key == reference.text }) { return known.model }
    let name = unusedName(isBase ? "base" : reference.model.path)
    let model: FoundModel
    if let adapter = reference.adapter {
      let inner = find(ModelReference(model: reference.model, adapter: nil, place: reference.place))
      model = FoundModel(
        name: name, expression: attached(adapter, to: inner.name, at: reference.place), outline: inner.outline)
    } else {
      let found = look(for: reference.model, at: reference.place)
      model = FoundModel(
        name: name, expression: "checkpoint(\(Value.text(found.map(inRecipe) ?? reference.model.path).canonical))",
        outline: found.flatMap { found in read(at: reference.place) { try ModelOutline(ModelFolder(found.path)) } })
    }
    models.append((reference.text, model))
    return model
  }

  // MARK: Paths

  private mutating func look(for part: ModelReference.Part, at place: Place, isAdapter: Bool = false)
    -> ModelSearch.Found?
  {
    guard let found = search.find(part) else {
      diagnostics.append(.modelNotThere(part, isAdapter ? "adapter" : "model", in: search, at: place))
      return nil
    }
    if !found.hasRevision, let revision = part.revision {
      diagnostics.append(.revisionOfFolder(part, revision, at: place))
    }
    return found
  }

  private func inRecipe(_ found: ModelSearch.Found) -> String {
    found.isAbsolute ? found.path : Self.relative(Self.standard(found.path), from: Self.standard(recipeFolder))
  }

  /// A path without `.`, `..` and doubled slashes.
  static func standard(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// A path as it is seen from a folder, both standard.
  static func relative(_ path: String, from folder: String) -> String {
    let (parts, others) = (path.split(separator: "/"), folder.split(separator: "/"))
    let common = zip(parts, others).prefix { $0 == $1 }.count
    let up = Array(repeating: Substring(".."), count: others.count - common)
    let relative = (up + parts[common...]).joined(separator: "/")
    return relative.isEmpty ? "." : relative
  }

  /// Reads headers; reports what is wrong with them.
  private mutating func read<Result>(at place: Place, _ headers: () throws -> Result) -> Result? {
    do {
      return try headers()
    } catch let error as OperationError {
      diagnostics.append(Diagnostic(error.message, at: place, notes: error.notes, helps: error.helps))
      if error.cause != .missing { hasOtherErrors = true }
    } catch {
      diagnostics.append(Diagnostic("\(error)", at: place))
      hasOtherErrors = true
    }
    return nil
  }

  // MARK: Adapters

  /// A model with an adapter put on, where the catalog has operations for it.
  private mutating func attached(_ adapter: ModelReference.Part, to base: String, at place: Place) -> String? {
    guard let attach = catalog["attach"]?.signature, attach.slot("base") != nil, attach.slot("adapter") != nil,
      catalog["adapter"] != nil
    else {
      diagnostics.append(
        .notSupported(
          "a model with an adapter put on", at: place,
          helps: ["merge the adapter into its model first, and name the folder of what comes out"]))
      hasOtherErrors = true
      return nil
    }
    guard let found = look(for: adapter, at: place, isAdapter: true),
      read(at: place, { try ModelFolder(found.path, layout: .adapter) }) != nil
    else { return nil }
    return "attach(base: \(base), adapter: adapter(\(Value.text(inRecipe(found)).canonical)))"
  }

  // MARK: Names

  /// A name for the recipe that nothing else has, made of the last part of a path.
  mutating func unusedName(_ path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    var name = last.unicodeScalars.reduce(into: "") { name, scalar in
      let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      name += isPlain ? String(scalar).lowercased() : name.hasSuffix("_") ? "" : "_"
    }
    while name.hasSuffix("_") { name.removeLast() }
    name = String(name.drop { $0 == "_" })
    if name.first?.isLetter != true { name = name.isEmpty ? "model" : "model_" + name }
    if Self.taken.contains(name) || catalog[name] != nil { name += "_model" }
    var unused = name
    var number = 2
    while !names.insert(unused).inserted {
      unused = "\(name)_\(number)"
      number += 1
    }
    return unused
  }
}
