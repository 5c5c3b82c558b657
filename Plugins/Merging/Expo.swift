import Operations
import Tensors

/// Goes on from a base beyond the models that were tuned from it (Zheng et al. 2024, ExPO).
struct Expo: LinearOperation {
  static let about = About(
    "expo",
    "Go on in the direction in which training has moved a model.",
    discussion: """
      θ = θ̄ + α (θ̄ − θ₀), θ̄ being the mean of the models and θ₀ the base: further the same way. The paper moves a model \
      beyond its alignment; FusionBench calls it ExPO.
      """,
    papers: [.init("Zheng et al. 2024, Weak-to-Strong Extrapolation Expedites Alignment", arXiv: "2404.16792")],
    cost: "O(models × entries); no tensor in memory",
    examples: [Example("Half as far again", "expo(base:, models: [a], by: 0.5)")])

  static let version = 2

  @Input("What they were tuned from.")
  var base: Checkpoint
  @Input("The tuned models, whose mean is the direction.", count: 1...)
  var models: [Checkpoint]
  @Param("How far beyond, as a share of the way that was gone, α.")
  var by: Layered<Double> = 0.1

  var origin: Checkpoint? { base }

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum(models, weights: models.map { _ in (1 + by(tensor)) / Double(models.count) })
  }
}

extension Expo: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (models, base) = (try models.map { try read($0).floats }, try read(base).floats)
    let share = Float((1 + by(tensor)) / Double(models.count))
    return base.indices.map { entry in
      PlainTaskVectors.moved(
        Double(base[entry]), by: models.reduce(0) { $0 + share * ($1[entry] - base[entry]) })
    }
  }
}
