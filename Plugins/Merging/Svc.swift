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
    cost: "O(models × entries × lesser side) for each matrix; a few matrices in memory, in float64",
    examples: [Example("A plain average, calibrated", "svc(average([a, b]), models: [a, b], base:)")])

  static let version = 2

  @Input("The merged model.")
  var merged: Checkpoint
  @Input("The models that it was merged of.", count: 1...)
  var models: [Checkpoint]
  @Input("What they were tuned from.")
  var base: Checkpoint
  @Param("How little a model can count as covered, α.", in: 1e-6...1_000)
  var alpha: Double = 0.1

  func check() throws {
    for entry in base.content.tensors
    where isMatrix(entry) && min(entry.shape[0], entry.shape[1]) > SingularValues.largestSide {
      throw OperationError(
        .step,
        "`\(entry.name)` is \(entry.shape), and `svc` can decompose matrices whose lesser side is at most "
          + "\(SingularValues.largestSide)")
    }
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    guard let entry = base.content.entry(tensor.text), isMatrix(entry) else {
      return try read(merged).converted(to: .f32)
    }
    return try read.once { MemoryRoom() }.with(need(entry.shape)) {
      try read.context.checkCancelled()
      return try calibrated(tensor, read)
    }
  }

  private func calibrated(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let base = try read(base)
    guard let found = SingularValues(try read(merged).change(from: base)) else {
      throw OperationError.notDecomposed(tensor, by: "svc")
    }
    // Along uᵣ the merged change is Sᵣ vᵣᵀ.
    var covered = [Double](repeating: 0, count: found.values.count)
    for model in models {
      let along = DoubleMatrix.product(transposed: found.left, try read(model).change(from: base))
      let (inner, squares) = (along.rowProducts(with: found.right), along.rowProducts(with: along))
      for vector in covered.indices {
        covered[vector] += max(alpha, found.values[vector] * inner[vector] / max(squares[vector], 1e-12))
      }
    }
    let values = zip(found.values, covered).map { Double(models.count) / $1 * $0 }
    return Tensor(base, adding: found.left.scalingColumns(by: values) * found.right, times: 1)
  }

  func memory() -> Int { MemoryRoom.memory(base.content.tensors.filter(isMatrix).map { need($0.shape) }) }

  private func isMatrix(_ entry: TensorEntry) -> Bool {
    entry.dtype.isFloat && entry.shape.rank == 2 && entry.shape.count > 0
  }

  /// The base, a model and the result; the change that is decomposed, then the vectors and a model's change along them.
  private func need(_ shape: Shape) -> Int {
    let (rows, columns) = (shape[0], shape[1])
    return shape.count * 24
      + max(SingularValues.byteCount(rows: rows, columns: columns), 8 * 2 * (rows + columns) * min(rows, columns))
      + 8 * 3 * shape.count
  }
}
