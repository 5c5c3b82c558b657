import Operations
import Tensors

/// Merging that keeps out of each model's way what the others bring (Cheng et al. 2025, WUDI).
struct Wudi: SpectralMerge {
  static let about = About(
    "wudi",
    "Merge models so that the merged change interferes least with each model's own.",
    discussion: """
      For each matrix the change X starts at Σₖ τₖ and lessens Σₖ ‖(X − τₖ) τₖᵀ‖²/‖τₖ‖² by Adam (β 0.9 and 0.999), \
      without any data. Other tensors become θ₀ + λ · mean τ. FusionBench takes 300 or 400 steps at 10⁻⁵.
      """,
    papers: [.init("Cheng et al. 2025, Whoever Started the Interference Should End It", arXiv: "2503.08099")],
    cost: "O(steps × entries × columns) for each matrix; it and three squares of its columns in memory, in float64",
    examples: [Example("A few steps", "wudi(base:, models: [a, b], steps: 50 steps)")])

  static let version = 2

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]
  @Param("Steps of Adam.", in: 0...1_000_000, unit: .steps)
  var steps: Int = 300
  @Param("How far a step goes.", in: 0...1)
  var rate: Double = 1e-5
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 1
  @Param("Patterns of matrices that are averaged like other tensors.")
  var exclude: [String] = []

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName, _ read: TensorReader) throws -> DoubleMatrix {
    // The gradient is X · C − D, with C = 2 Σₖ τₖᵀτₖ/‖τₖ‖² and D = 2 Σₖ τₖ · τₖᵀτₖ/‖τₖ‖².
    var squares = DoubleMatrix(zeros: changes[0].columns, changes[0].columns)
    var pulls = DoubleMatrix(zeros: changes[0].rows, changes[0].columns)
    for change in changes {
      let norm = change.norm
      guard norm > 0 else { continue }
      let square = 2 / (norm * norm) * DoubleMatrix.product(transposed: change, change)
      squares = squares + square
      pulls = pulls + change * square
    }
    var descent = MatrixAdam(from: sum(changes))
    for _ in 0..<steps {
      try read.context.checkCancelled()
      descent.step(against: DoubleMatrix.product(descent.position, squares, minus: pulls), rate: rate)
    }
    return descent.position
  }

  /// The square matrices with one more while they are added up; then Adam's three, the pulls and the gradient.
  func workspace(rows: Int, columns: Int) -> Int { 8 * (3 * columns * columns + 6 * rows * columns) }

  /// Nothing is decomposed.
  func decomposedSide(rows: Int, columns: Int) -> Int { 0 }
}
