import Diagnostics
import Operations

/// One part of a model that has several, to be merged otherwise than the others.
struct Part: RecipeOperation {
  static let about = About(
    "part",
    "Take one part of a model that has several: what sees, what writes, what joins them.",
    discussion: """
      Parts are called as mergekit calls its modules (`text_decoder`, `vision_tower`, `multi_modal_projector`, `encoder`, \
      `decoder`), and in a model of another family by what the names of its layers begin with; a model with one stack of \
      layers has one part, `model`. The result has the configuration and the files of the whole, so `layers` and `stack` \
      work on it; `join` puts parts together again. Nothing is read or copied.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [Example("The one part of a plain model", "part(a, name: \"model\")")])

  @Input("The model.")
  var model: Checkpoint
  @Param("What the part is called.")
  var name: String = "model"

  func outline() throws -> Content? { try taken() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try taken()) }

  private func taken() throws -> Content {
    let parts = model.content.parts
    guard parts.contains(name) else {
      let nearest = NearestName.of(name, among: parts)
      throw OperationError(
        .step, "`\(model.content.label)` has no part `\(name)`",
        notes: ["it has \(parts.map { "`\($0)`" }.joined(separator: ", "))"],
        helps: nearest.map { ["did you mean `\($0)`?"] } ?? [])
    }
    return model.content.taking(part: name)
  }
}

/// A model of parts that were made apart.
struct Join: RecipeOperation {
  static let about = About(
    "join",
    "Put parts of a model together that were made apart.",
    discussion: """
      The configuration and the files are the first part's; how many layers another part has is put in. A tensor that \
      several have is the first one's. With `part` this makes what mergekit calls a merge of `modules`. Nothing is read or \
      copied.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [Example("A part alone", "join([part(a, name: \"model\")])")])

  @Input("The parts.", count: 1...)
  var parts: [Checkpoint]

  func outline() throws -> Content? { .joining(parts.map(\.content)) }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(.joining(parts.map(\.content))) }
}
