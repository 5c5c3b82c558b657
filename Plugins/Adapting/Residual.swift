import Adapters
import Operations
import Tensors

/// What a model is without what an adapter adds.
struct Residual: AdapterFold {
  static let about = About(
    "residual",
    "Take what an adapter adds out of its model, so that both together are the model again.",
    discussion: """
      Each weight becomes W − ΔW; recipes write `base - adapter`. `pissa`, `olora`, `ldu` and `kpsvd` begin an adapter with a part of the model: what is \
      trained with it is this residual, and not the model. `attach(base: residual(base:, adapter: start), adapter: start)` \
      is the model up to one rounding. Only adapters that add to weights can be taken out, and not those that scale them.
      """,
    papers: [.init("Meng et al. 2024, PiSSA", arXiv: "2404.02948")],
    cost: "O(entries × rank) of the tensors that change; of low rank a few rows in memory at a time, else one tensor",
    examples: [Example("The model that PiSSA trains on", "residual(base:, adapter: pissa(base, rank: 4))")])

  /// 2: what is of low rank is added a few rows at a time. 3: a head and an embedding that share a weight part where only one changes.
  static let version = 3

  @Input("The model.")
  var base: Checkpoint
  @Input("The adapter, as it was begun.")
  var adapter: Adapter

  func check() throws {
    try AdaptedModel(adapter.content, for: base.content).reading.checkAdds("residual")
  }

  func share(_ tensor: TensorName) -> Double { -1 }
}
