import Diagnostics
import Operations
import Tensors

/// Calibrates the singular values of a merge, which shared directions make too large.
struct Svc: TensorwiseOperation {
  static let about = About(
    "svc",
    "Make the shared directions of a merged model as strong as in the models that it came from.",
    discussion: """
      For each matrix with merged change Δ = U S Vᵀ and the models' changes τₖ: along a left vector u, with a = uᵀΔ and \
      aₖ = uᵀτₖ, model k is covered by sₖ = ⟨a, aₖ⟩/‖aₖ‖². The vector's value becomes γ S with γ = T/Σₖ max(α, sₖ): a \
      direction that the merge has counted several times is weakened. Other tensors stay as they were merged. FusionBench \
      takes α = 0.1 after sums and averages, 0.2 after `iso_cts` and 1 after `tsv_m` and `wudi`.
      """,
    cost: "O(models × entries × lesser side) for each matrix; one matrix in memory, in float64",
    examples: [Example("A plain average, calibrated", "svc(average([a, b]), models: [a, b], base:)")])

  @Input("The merged model.")
  var merged: Checkpoint
  @Input("The models that it was merged of.", count: 1...)
  var models: [Checkpoint]
  @Input("What they were tuned from.")
  var base: Checkpoint
  @Param("How little a model can count as covered, α.", in: 1e-6...1_000)
  var alpha: Double = 0.1

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let merged = try read(merged)
    guard merged.shape.rank == 2, merged.shape.count > 0 else { return merged.converted(to: .f32) }
    let start = DoubleMatrix(try read(base))
    let change = DoubleMatrix(merged) - start
    guard let found = SingularValues(change) else {
      throw OperationError(.step, "the singular values of `\(tensor)` do not converge in `svc`")
    }
    // Along uᵣ the merged change is Sᵣ vᵣᵀ.
    let own = found.left.scalingColumns(by: found.values)
    let along = try models.map { model in
      DoubleMatrix.product(transposed: found.left, DoubleMatrix(try read(model)) - start)
    }
    let factors = found.values.indices.map { vector -> Double in
      let covered = along.reduce(0) { sum, model in
        var (inner, square) = (0.0, 0.0)
        for column in 0..<model.columns {
          inner += found.values[vector] * found.right[vector, column] * model[vector, column]
          square += model[vector, column] * model[vector, column]
        }
        return sum + max(alpha, inner / max(square, 1e-12))
      }
      return Double(models.count) / covered
    }
    let calibrated = own.scalingColumns(by: factors) * found.right
    let entries = zip(start.entries, calibrated.entries).map { $1 == 0 ? Float($0) : Float($0 + $1) }
    return Tensor(entries, shape: merged.shape)
  }

  func memory() -> Int {
    let largest = base.content.tensors.map { $0.shape.rank == 2 ? $0.shape.count : 0 }.max() ?? 0
    return (16 << 20) + largest * 8 * (models.count + 8)
  }
}
