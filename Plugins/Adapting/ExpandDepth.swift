import Diagnostics
import Operations

/// A deeper model of the layers of a shallow one, each repeated for a stage (Learngene, Xia et al. 2024).
struct ExpandDepth: RecipeOperation {
  static let about = About(
    "expand_depth",
    "Make a deeper model by repeating each layer of a model for a stage of it.",
    discussion: """
      Layer ℓ of the result is a copy of layer `sources[ℓ]`. By default the depth is split evenly over the layers in order, \
      the remainder to the earliest: 12 over 5 is 0 0 0, 1 1 1, 2 2, 3 3, 4 4, as in Learngene's own commands. What stands \
      before and after the layers is kept, and the configuration's number of layers made right. Nothing is read or copied.
      """,
    papers: [.init("Xia et al. 2024, Learngene: stage-wise weight sharing", arXiv: "2404.16897")],
    cost: "O(tensors); no tensor is read",
    examples: [
      Example("Each of two layers for half of four", "expand_depth(base, depth: 4)"),
      Example("By a map", "expand_depth(base, depth: 3, sources: [0, 0, 1])"),
    ])

  @Input("The model whose layers are repeated.")
  var base: Checkpoint
  @Param("Number of layers of the result.", in: 1...100_000, unit: .layers)
  var depth: Int
  @Param("For each layer of the result the number of the layer that it is a copy of.", in: 0...)
  var sources: [Int] = []

  func outline() throws -> Content? { try expanded() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try expanded()) }

  private func expanded() throws -> Content {
    let layers = base.content.layers
    guard let last = layers.last else {
      throw OperationError(
        .data, "`\(base.label)` has no layers that its tensors' names would show",
        helps: ["`mergekit show` says what a model is taken for"])
    }
    let map = sources.isEmpty ? Self.even(depth, over: layers) : sources
    guard map.count == depth else {
      throw OperationError(.step, "`expand_depth` is to have \(depth) layers, and `sources` names \(map.count)")
    }
    guard let stray = map.first(where: { !layers.contains($0) }) else {
      return Content.stacking(map.map { base.content.taking(layers: $0..<$0 + 1) })
    }
    throw OperationError(
      .step, "`sources` of `expand_depth` names layer \(stray), and `\(base.label)` has layers 0 to \(last)")
  }

  /// Stages as long as one another, the earliest longer by one where it does not come out even.
  static func even(_ depth: Int, over layers: [Int]) -> [Int] {
    let (length, longer) = depth.quotientAndRemainder(dividingBy: layers.count)
    return layers.enumerated().flatMap { stage, layer in
      [Int](repeating: layer, count: length + (stage < longer ? 1 : 0))
    }
  }
}
