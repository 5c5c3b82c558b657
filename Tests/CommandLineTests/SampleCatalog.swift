import Operations

/// A catalog that no plugin changes, so that whole pages can be pinned.
let sampleCatalog = Catalog([Plugin("Blending", "Makes one model of several.", operations: [Blend.self])])

/// An operation with a slot of every kind.
struct Blend: RecipeOperation {
  static let about = About(
    "blend", "Blend models into one.",
    discussion: "Each entry is the weighted mean of the entries:\n\n1. **Weigh.** Multiply.\n2. **Add.** Sum up.",
    papers: [.init("Wortsman et al. 2022, Model soups", arXiv: "2203.05482")], cost: "O(models × entries)",
    examples: [.init("Half of each", "blend([a, b])")])

  enum Rounding: String, Choice {
    case nearest, down
    var text: String { self == .nearest ? "To the nearest." : "Towards zero." }
  }

  @Input("The models to blend.", count: 2...) var models: [Checkpoint]
  @Param("How much each counts; equal by default.") var weights: [Layered<Double>] = []
  @Param("Share that is kept.") var density: Layered<Fraction> = 0.2
  @Param("Examples to look at.", in: 1..., unit: .examples) var samples: Int = 20_000
  @Param("Room for buffers.") var room: ByteCount = .gibibytes(2)
  @Param("How results are rounded.") var rounding: Rounding = .nearest
  @Param("Where it starts.", in: 0..<1) var start: Double

  func run(_ context: Context) throws -> Checkpoint { models[0] }
}
