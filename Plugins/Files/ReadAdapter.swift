import Adapters
import Diagnostics
import Formats
import Operations

/// An adapter as PEFT keeps it in a folder. Its tensors stay where they are.
struct ReadAdapter: RecipeOperation {
  static let about = About(
    "adapter",
    "Read an adapter from a folder, as PEFT lays it out.",
    discussion: """
      The folder has `adapter_config.json` and `adapter_model.safetensors`. Only headers are read here, and nothing is \
      copied. A field of the configuration that would change what the tensors mean, and is not known here, is refused by \
      name. `attach` folds an adapter into the model that it was made for.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [Example("An adapter's folder", "adapter(\"models/adapter\")")])

  @Param("The adapter's folder, seen from the recipe.")
  var path: SourcePath

  func sources() throws -> [String] { try ModelFolder(path.path, layout: .adapter).files }

  func outline() throws -> Content? { try content() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Adapter {
    try context.checkCancelled()
    return Adapter(try content())
  }

  private func content() throws -> Content {
    let content = try Content(adapterFolder: path.path, .adapter)
    _ = try AdapterReading(content)
    return content
  }
}

/// An inventory of skills as PEFT keeps it in a folder: an adapter of type `POLY`.
struct ReadInventory: RecipeOperation {
  static let about = About(
    "inventory",
    "Read an inventory of skills from a folder, as PEFT lays out its `POLY` adapters.",
    discussion: """
      The folder has `adapter_config.json`, whose `peft_type` is `POLY`, and `adapter_model.safetensors`. `route` makes an \
      adapter of it for one task, or of all skills alike. `pool` makes an inventory of adapters that are there already.
      """,
    papers: [.init("Caccia et al. 2023, Multi-Head Adapter Routing", arXiv: "2211.03831")],
    cost: "O(tensors); no tensor is read",
    examples: [Example("An inventory's folder", "inventory(\"models/inventory\")")])

  @Param("The inventory's folder, seen from the recipe.")
  var path: SourcePath

  func sources() throws -> [String] { try ModelFolder(path.path, layout: .adapter).files }

  func outline() throws -> Content? { try content() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Inventory {
    try context.checkCancelled()
    return Inventory(try content())
  }

  private func content() throws -> Content {
    let content = try Content(adapterFolder: path.path, .inventory)
    guard content.facts["peft_type"]?.string == Poly.type else {
      throw OperationError(
        .data, "`\(path.path)` is an adapter of type `\(content.facts["peft_type"]?.string ?? "")`, not an inventory",
        helps: ["`adapter` reads it, and `pool` makes an inventory of several"])
    }
    _ = try AdapterReading(Poly.forTask(0, of: content))
    return content
  }
}

extension Content {
  /// What lies in a folder of PEFT's.
  fileprivate init(adapterFolder path: String, _ kind: ArtifactKind) throws {
    let folder = try ModelFolder(path, layout: .adapter)
    guard folder.config["peft_type"]?.string != nil else {
      throw OperationError(
        .data, "`\(path)` is not an adapter: its `adapter_config.json` has no `peft_type`",
        helps: ["`checkpoint` reads models"])
    }
    self.init(kind, facts: folder.config, tensors: folder.entries.map(TensorEntry.init), label: path)
  }
}
