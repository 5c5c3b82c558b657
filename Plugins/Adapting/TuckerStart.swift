import Adapters
import Formats
import Operations
import Tensors

/// A core of zeros with a random factor for each axis of a weight (Si et al. 2024).
struct TuckerStart: AdapterStart {
  static let about = About(
    "tucker",
    "Begin an adapter with a small core and a factor for each axis of each weight.",
    discussion: """
      FLoRA's form: the change is s · G ×₁ U₁ … ×ₙ Uₙ with U normal, of variance 1 / (2 rᵢ), and G of zeros, so nothing \
      changes until it is trained. For a linear layer that is s · U_out Gᵀ U_inᵀ; the kernel of a convolution keeps all \
      four axes. This is FLoRA for weights of several axes, and neither the federated method nor the optimiser of the name.
      """,
    papers: [.init("Si et al. 2024, FLoRA: Low-Rank Core Space for N-dimension", arXiv: "2405.14739")],
    cost: "O(rank × (inputs + outputs)) for each layer; no tensor is read",
    examples: [Example("Four directions in and out", "tucker(base, rank: 4)")])

  static let axes = 2...4

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("Length of the core's axes for inputs and outputs.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("Length of the core's axes for a convolution's height and width, at most.", in: 1...64)
  var kernelRank: Int = 2
  @Param("What the change is multiplied by.")
  var scale: Double = 1
  @Param("Another seed gives other factors.")
  var seed: Int = 0

  var source: Content { base.content }
  var kind: any AdapterKind.Type { Tucker.self }

  func check(_ target: AdapterTarget) throws {
    guard target.shape.rank > 2 else { return try target.check(rank: rank, of: "tucker") }
    for length in target.shape.axes.prefix(2) where rank > length {
      throw target.refused(rank: rank, most: length, of: "tucker")
    }
  }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? {
    let lengths = target.tuckerAxes
    let ranks = lengths.enumerated().map { $0 < 2 ? rank : min(kernelRank, $1) }
    return [("flora_core", Shape(ranks))]
      + lengths.indices.map { ("flora_factor_\($0)", [lengths[$0], ranks[$0]]) }
  }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    Tucker.fields(rank: rank, scale: scale, isTransposed: targets.first?.isTransposed ?? false)
  }

  /// Nothing is read, and each tensor is made when it is asked for.
  func workspace(_ target: AdapterTarget) -> Int { 0 }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    let parts = (shapes(target) ?? []).map { part, shape -> (String, Tensor) in
      guard part != "flora_core" else { return (part, Tensor([Float](repeating: 0, count: shape.count), shape: shape)) }
      var generator = Generator(seed: seed, stream: "tucker", target.path, part)
      let deviation = (0.5 / Double(shape[1])).squareRoot()
      return (part, Tensor((0..<shape.count).map { _ in Float(deviation * generator.gaussian()) }, shape: shape))
    }
    return StartedLayer(parts: parts)
  }
}

extension AdapterTarget {
  /// The lengths of a weight's axes as FLoRA orders them: inputs, outputs, then a kernel's.
  var tuckerAxes: [Int] {
    shape.rank == 2 ? [inputs, outputs] : [shape[1], shape[0]] + shape.axes.dropFirst(2)
  }
}

extension Tucker {
  static func fields(rank: Int, scale: Double, isTransposed: Bool) -> [JSON.Member] {
    [.init("r", .integer(rank)), .init("scale", .number(scale)), .init("fan_in_fan_out", .bool(isTransposed))]
  }
}
