import Diagnostics
import Operations

/// Some layers of a model, to be merged or stacked with other models' layers.
struct Layers: RecipeOperation {
  static let about = About(
    "layers",
    "Take some layers of a model, numbered anew from 0.",
    discussion: """
      The result is a model like any other, with what stands before and after the layers, so slices of several models can \
      be merged if they have as many layers; `stack` puts slices on one another. mergekit calls this a slice with a \
      `layer_range`. Nothing is read or copied.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [Example("The first layer", "layers(a, start: 0, end: 1)")])

  @Input("The model.")
  var model: Checkpoint
  @Param("The first layer, counted from 0.", in: 0...1_000_000)
  var start: Int = 0
  @Param("The layer before which it ends; by default all layers from the first are taken.", in: 1...1_000_000)
  var end: Int? = nil

  func outline() throws -> Content? { try sliced() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try sliced()) }

  private func sliced() throws -> Content {
    let layers = model.content.layers
    let height = (layers.last ?? -1) + 1
    let end = end ?? height
    guard height > 0 else {
      throw OperationError(
        .data, "`\(model.content.label)` has no layers that its tensors' names would show",
        helps: ["`mergekit show` says what a model is taken for"])
    }
    guard start < end, end <= height else {
      throw OperationError(
        .step, "`layers` is to take layers \(start) to \(end), and `\(model.content.label)` has layers 0 to \(height)",
        helps: ["`end` is the layer before which it ends, as in mergekit's `layer_range`"])
    }
    return model.content.taking(layers: start..<end)
  }
}

/// A model of the layers of several, one model's after another's.
struct Stack: RecipeOperation {
  static let about = About(
    "stack",
    "Put the layers of several models on one another.",
    discussion: """
      The embeddings, the configuration and the tokenizer are the first model's, what follows the layers (the last norm, \
      the head) is the last one's; the layers come in order, numbered anew. The configuration's number of layers, and \
      lists in it with something for each layer, are made right. With `layers` this makes what mergekit calls a \
      passthrough merge of slices: depth up-scaling, frankenmerges. Nothing is read or copied.
      """,
    papers: [.init("Kim et al. 2023, SOLAR 10.7B: depth up-scaling", arXiv: "2312.15166")],
    cost: "O(tensors); no tensor is read",
    examples: [
      Example("The first layer twice", "stack([layers(a, end: 1), layers(a, end: 1)])"),
      Example("The first layers of two models", "stack([layers(a, start: 0, end: 1), layers(b, start: 0, end: 1)])"),
    ])

  @Input("The models, from the input to the output.", count: 1...)
  var models: [Checkpoint]

  func outline() throws -> Content? {
    for other in models.dropFirst() { try checkFits(other.content) }
    return Content.stacking(models.map(\.content))
  }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(Content.stacking(models.map(\.content))) }

  /// A layer of one model must be able to follow a layer of another.
  private func checkFits(_ other: Content) throws {
    let first = models[0].content
    guard let mine = first.layers.first, let their = other.layers.first else {
      throw OperationError(
        .data, "`\((first.layers.isEmpty ? first : other).label)` has no layers that its tensors' names would show")
    }
    func layer(_ number: Int, of content: Content) -> Content {
      var result = content.taking(layers: number..<number + 1)
      result.tensors = zip(result.tensors, TensorName.all(result)).filter { $0.1.layer != nil }.map(\.0)
      return result
    }
    try layer(mine, of: first).checkSameTensors(as: layer(their, of: other))
  }
}
