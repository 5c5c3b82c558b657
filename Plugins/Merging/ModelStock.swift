import Foundation
import Operations
import Tensors

/// The point between the base and the models' mean that lies nearest to where more models' mean would lie (Jang et al. 2024).
///
/// With `δₖ = θₖ − θ₀`, `cᵢⱼ` the cosine of δᵢ and δⱼ, N models and c the mean over all pairs:
/// `t = N c / (1 + (N−1) c)` and `θ = t · mean(θₖ) + (1−t) · θ₀`.
struct ModelStock: TaskVectorMerge, LinearOperation {
  static let about = About(
    "model_stock",
    "Merge models by moving from their common base towards their mean, as far as they agree on the way.",
    discussion: """
      θ = t · mean(θₖ) + (1−t) · θ₀ with t = N c / (1 + (N−1) c), where c is the mean cosine of all pairs of the N task \
      vectors δₖ = θₖ − θ₀, of a whole tensor or, with `filter_wise`, of each row along the last axis. mergekit averages \
      the cosines (`.cosines`), FusionBench the angles (`.angles`); for two models these are the same. Where the task \
      vectors cancel each other, so that 1 + (N−1) c is 0, the base stays as it is.
      """,
    papers: [.init("Jang et al. 2024, Model Stock", arXiv: "2403.19522")],
    cost: "O(models² × entries); no tensor in memory but for `filter_wise`",
    examples: [
      Example("Two models", "model_stock(base:, models: [a, b])"),
      Example("Row by row", "model_stock(base:, models: [a, b, c], filter_wise: true)"),
    ])

  static let version = 2

  @Input("The model that all the others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models to merge.", count: 2...)
  var models: [Checkpoint]
  @Param("What is averaged over the pairs of models.")
  var mean: PairMean = .cosines
  @Param("Whether each row along the last axis has its own t, instead of each tensor.")
  var filterWise: Bool = false
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  /// What is averaged over pairs.
  enum PairMean: String, Choice {
    case cosines
    case angles

    var text: String {
      switch self {
      case .cosines: "The cosines; mergekit's way."
      case .angles: "The angles, whose mean's cosine is taken; FusionBench's way."
      }
    }
  }

  var origin: Checkpoint? { base }

  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
    let gram = try read.gram(models, from: base)
    let t = share { gram[$0, $1] }
    return LinearSum(models, weights: models.map { _ in t / Double(models.count) })
  }

  func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    filterWise ? nil : try summedRuns(tensor, as: dtype, read)
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    guard filterWise else { return try summed(tensor, read) }
    let (base, models) = (try read(base), try models.map { try read($0) })
    guard base.count > 0 else { return base.converted(to: .f32) }
    let (length, size) = (rowLength(of: base.shape), models.count)
    let products = TaskVector.gram(of: models, minus: base, rowLength: length)
    let shares = stride(from: 0, to: products.count, by: size * size).map { row in
      share { i, j in products[row + i * size + j] }
    }
    return Tensor.between(base, andMeanOf: models, at: shares, rowLength: length)
  }

  private func rowLength(of shape: Shape) -> Int {
    filterWise && shape.rank > 1 ? shape[shape.rank - 1] : shape.count
  }

  /// t, by the products of all pairs of task vectors.
  private func share(_ product: (Int, Int) -> Double) -> Double {
    var values: [Double] = []
    for i in models.indices {
      for j in models.indices where j > i {
        let lengths = (product(i, i) * product(j, j)).squareRoot()
        let divisor = mean == .cosines ? max(lengths, 1e-6) : lengths + 1e-8
        let cosine = min(max(product(i, j) / divisor, -1), 1)
        values.append(mean == .cosines ? cosine : acos(cosine))
      }
    }
    let average = values.reduce(0, +) / Double(values.count)
    let cosine = mean == .cosines ? average : cos(average)
    let (count, more) = (Double(models.count), Double(models.count - 1))
    let divisor = 1 + more * cosine
    // Where the models lie all around the base, it is their mean, or as good a guess.
    guard divisor > 1e-8 else { return 0 }
    return count * cosine / (mean == .cosines ? divisor : divisor + 1e-8)
  }
}

extension ModelStock: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let vectors = try PlainTaskVectors(self, read)
    let models = try models.map { try read($0).doubles }
    let length = try max(rowLength(of: read(base).shape), 1)
    let shares = stride(from: 0, to: vectors.base.count, by: length).map { start in
      share { i, j in
        (start..<start + length).reduce(0) { $0 + vectors.deltas[i][$1] * vectors.deltas[j][$1] }
      }
    }
    return vectors.base.indices.map { entry in
      let t = shares[entry / length]
      if !filterWise {
        let share = Float(t / Double(models.count))
        let change = vectors.deltas.reduce(Float(0)) { $0 + share * Float($1[entry]) }
        return PlainTaskVectors.moved(vectors.base[entry], by: change)
      }
      return t * models.reduce(0) { $0 + $1[entry] } / Double(models.count) + (1 - t) * vectors.base[entry]
    }
  }
}
