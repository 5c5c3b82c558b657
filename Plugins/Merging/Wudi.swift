import Foundation
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
    cost: "O(steps × entries × columns) for each matrix; a square matrix of its columns in memory, in float64",
    examples: [Example("A few steps", "wudi(base:, models: [a, b], steps: 50 steps)")])

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

  func memory() -> Int {
    let matrices = base.content.tensors.filter { $0.shape.rank == 2 }
    let largest = matrices.map { $0.shape.count * (models.count + 6) + $0.shape[1] * $0.shape[1] * 2 }.max() ?? 0
    return (16 << 20) + largest * 8
  }

  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName) throws -> DoubleMatrix {
    // The gradient is 2 (X · C − D), with C = Σₖ τₖᵀτₖ/‖τₖ‖² and D = Σₖ τₖ · τₖᵀτₖ/‖τₖ‖².
    var squares = DoubleMatrix(zeros: changes[0].columns, changes[0].columns)
    var pulls = DoubleMatrix(zeros: changes[0].rows, changes[0].columns)
    for change in changes where change.norm > 0 {
      let square = 1 / (change.norm * change.norm) * DoubleMatrix.product(transposed: change, change)
      squares = squares + square
      pulls = pulls + change * square
    }
    var merged = sum(changes).entries
    var (first, second) = ([Double](repeating: 0, count: merged.count), [Double](repeating: 0, count: merged.count))
    for step in 1..<steps + 1 {
      let position = DoubleMatrix(rows: pulls.rows, columns: pulls.columns, merged)
      let gradient = (2 * (position * squares - pulls)).entries
      let (firstBias, secondBias) = (1 - pow(0.9, Double(step)), 1 - pow(0.999, Double(step)))
      for index in merged.indices {
        first[index] = 0.9 * first[index] + 0.1 * gradient[index]
        second[index] = 0.999 * second[index] + 0.001 * gradient[index] * gradient[index]
        merged[index] -= rate * (first[index] / firstBias) / ((second[index] / secondBias).squareRoot() + 1e-8)
      }
    }
    return DoubleMatrix(rows: pulls.rows, columns: pulls.columns, merged)
  }
}
