import Diagnostics
import Formats
import Foundation
import Models
import Networks
import Operations
import Tensors

/// The weights of a Fisher merge under which the merged model predicts best (Matena and Raffel 2022).
///
/// Two models are tried at `points` places of a line, (1, 0), …, (0, 1), in this order; more models at `samples` places
/// drawn evenly from all weights that sum to one (a Dirichlet distribution with all parameters 1). The highest accuracy
/// wins, the first of equals.
struct FisherSearch: RecipeOperation {
  static let about = About(
    "fisher_search",
    "Find the weights of a Fisher merge under which the merged model predicts best.",
    discussion: """
      Two models are merged at `points` places of the line from (1, 0) to (0, 1); more models at `samples` places \
      drawn from a Dirichlet distribution with all parameters 1. Each merged model is what `fisher_merge` would make, \
      and its accuracy on `data` decides; the first of equals wins. Without `fishers` every entry counts the same, so \
      it is the weights of an `average` that are found. All candidates are kept beside the numbers, as `candidates` \
      and `accuracies`.
      """,
    papers: [.init("Matena and Raffel 2022, Merging Models with Fisher-Weighted Averaging", arXiv: "2111.09832")],
    cost: "O(candidates × (models + examples) × entries); all models and Fishers in memory",
    examples: [
      Example(
        "The best share of two models",
        "fisher_search([a, b], fishers: [fisher(a, data:), fisher(b, data:)], data:, points: 11)"),
      Example("The best average of three", "fisher_search([a, b, c], data:, samples: 20)"),
    ])

  static let fields = [
    Field("weights", "The weights of the best merge, one for each model.", type: .list(.number)),
    Field("accuracy", "The accuracy of the best merge; higher is better."),
  ]

  @Input("The models to merge; the first is the target.", count: 2...)
  var models: [Checkpoint]
  @Input("The Fisher of each model, in order; without them all entries count the same.", count: 0...)
  var fishers: [Fisher]
  @Input("The examples to choose by; others than those that the result is judged by.")
  var data: Dataset
  @Param("Places of the line that are tried for two models.", in: 2...10_001)
  var points: Int = 51
  @Param("Places that are tried for more than two models.", in: 1...1_000_000)
  var samples: Int = 50
  @Param("What keeps Fishers from being zero.")
  var minimum: FisherMinimum = .targetFloor
  @Param("How little Fisher an entry has at least, or what is added to it.", in: 0...)
  var epsilon: Double = 1e-6
  @Param("Whether each Fisher is divided by its norm.")
  var normalize: Bool = true
  @Param("Decides the places for more than two models.")
  var seed: Int = 0

  func outline() throws -> Content? {
    _ = try lead()
    let count = models.count == 2 ? points : samples
    return Content(
      .metrics,
      tensors: [
        TensorEntry(foreseen: "candidates", dtype: .f64, shape: [count, models.count]),
        TensorEntry(foreseen: "accuracies", dtype: .f64, shape: [count]),
      ])
  }

  func run(_ context: Context) throws -> Metrics {
    let model = try lead()
    let examples = try ModelData(data, for: model, context: context)
    let lead = models[0].content
    let merged = Set(lead.tensors.map(\.name).filter(fishers.cover))
    let tensors = try lead.tensors.map { entry in
      let sources = merged.contains(entry.name) ? models : [models[0]]
      return (
        entry, models: try sources.map { try $0.content.finiteTensor(entry.name) },
        fishers: merged.contains(entry.name) ? try fishers.map { try $0.content.finiteTensor(entry.name) } : []
      )
    }
    let norms = normalize && !fishers.isEmpty ? try fishers.norms(context) : nil
    let candidates = candidates()
    let accuracies = try context.map(candidates) { shares in
      let weighting = FisherWeighting(shares: shares, norms: norms, minimum: minimum, epsilon: epsilon)
      var made: [String: Tensor] = [:]
      for (entry, models, fishers) in tensors {
        let tensor =
          models.count == 1
          ? models[0]
          : fishers.isEmpty
            ? Tensor.weightedSum(models, weights: shares) : weighting.average(models, fishers: fishers)
        made[entry.name] = tensor.converted(to: entry.dtype)
      }
      let network = model.blueprint.network { name in
        guard let tensor = made[name] else { preconditionFailure("`\(name)` was checked to be one of the model's") }
        return tensor
      }
      return try network.scores(of: examples, context.silent).accuracy
    }
    return Metrics(content(candidates, accuracies))
  }

  /// The weights to try, in order.
  private func candidates() -> [[Double]] {
    if models.count == 2 {
      let last = Double(points - 1)
      return (0..<points).map { [(last - Double($0)) / last, Double($0) / last] }
    }
    var generator = Generator(seed: seed, stream: "fisher_search", "candidates")
    return (0..<samples).map { _ in
      let draws = models.map { _ in -log(1 - generator.uniform()) }
      let total = draws.reduce(0, +)
      return draws.map { $0 / total }
    }
  }

  private func content(_ candidates: [[Double]], _ accuracies: [Double]) -> Content {
    let best = accuracies.indices.reduce(0) { accuracies[$1] > accuracies[$0] ? $1 : $0 }
    let tables = [
      ("candidates", Tensor(doubles: candidates.flatMap { $0 }, shape: [candidates.count, models.count])),
      ("accuracies", Tensor(doubles: accuracies, shape: [candidates.count])),
    ]
    return Content(
      .metrics,
      facts: [
        "weights": .array(candidates[best].map { .number($0) }), "accuracy": .number(accuracies[best]),
        "candidates": .integer(candidates.count),
      ],
      tensors: tables.map { name, tensor in TensorEntry(name, dtype: .f64, shape: tensor.shape) { tensor } })
  }

  private func lead() throws -> RunnableModel {
    let lead = models[0]
    let model = try RunnableModel(lead)
    guard try ModelData.task(of: data, for: model) == .classes else {
      throw OperationError(.data, "`\(lead.label)` tells no classes apart, so it has no accuracy to be chosen by")
    }
    for other in models.dropFirst() { try lead.content.checkSameTensors(as: other.content, where: fishers.cover) }
    if !fishers.isEmpty { try fishers.check(for: models, "fisher_search") }
    return model
  }
}
