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
      copied. `attach` folds an adapter of low rank into the model that it was made for.
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
    let folder = try ModelFolder(path.path, layout: .adapter)
    guard folder.config["peft_type"]?.string != nil else {
      throw OperationError(
        .data, "`\(path.path)` is not an adapter: its `adapter_config.json` has no `peft_type`",
        helps: ["`checkpoint` reads models"])
    }
    var content = Content(.adapter, facts: folder.config)
    content.tensors = folder.entries.map(TensorEntry.init)
    return content
  }
}
