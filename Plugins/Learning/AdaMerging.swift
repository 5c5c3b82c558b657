import Diagnostics
import Formats
import Foundation
import Models
import Networks
import Operations
import Tensors

/// Task arithmetic whose coefficients are learnt from unlabelled examples, by making predictions certain (Yang et al. 2024).
///
/// θ = θ₀ + Σᵢ λᵢ τᵢ, with one λ for each task, or for each task and tensor. Adam minimises Σ over tasks of the mean entropy
/// −Σ_c p_c log(p_c + 10⁻⁸) of the merged model's predictions on that task's examples, each with its own model's head.
struct AdaMerging: RecipeOperation {
  enum Coefficients: String, Choice {
    case perTask = "task"
    case perTensor = "tensor"

    var text: String {
      switch self {
      case .perTask: "One for each task."
      case .perTensor: "One for each task and tensor, which the paper calls layer-wise."
      }
    }
  }

  static let about = About(
    "adamerging",
    "Merge classifiers by task arithmetic, with coefficients that make predictions on unlabelled examples certain.",
    discussion: """
      θ = θ₀ + Σ λᵢ τᵢ over all tensors that the base has and `keep` does not name; every model must have them in the same shapes. Each task is run \
      with its own model's other tensors, such as its head; the result has the first model's. Every λ begins at `start`, and Adam \
      with decays 0.9 and 0.999 lowers the sum over tasks of the mean entropy of the predictions. Labels are not looked at.
      """,
    papers: [
      .init("Yang et al. 2024, AdaMerging: Adaptive Model Merging for Multi-Task Learning", arXiv: "2310.02575")
    ],
    cost: "O(steps × tasks × (batch + 1) × entries); base, task vectors and a network for each task in memory",
    examples: [
      Example("A coefficient for each tensor", "adamerging(base:, models: [a, b], data: [data, data], steps: 5)"),
      Example("For each task", "adamerging(base:, models: [a, b], data: [data, data], steps: 5, coefficients: .task)"),
    ])

  @Input("The model that all others were fine-tuned from.")
  var base: Checkpoint
  @Input("The fine-tuned models, one for each task; the result has the first one's head.", count: 1...)
  var models: [Checkpoint]
  @Input("Examples of each task, in order.", count: 1...)
  var data: [Dataset]
  @Param("What has a coefficient of its own.")
  var coefficients: Coefficients = .perTensor
  @Param("What every coefficient begins at.")
  var start: Double = 0.3
  @Param("Steps of Adam.", in: 1...1_000_000, unit: .steps)
  var steps: Int = 500
  @Param("Examples of each task that a step looks at.", in: 1...1_000_000, unit: .examples)
  var batch: Int = 16
  @Param("The learning rate.", in: 0...1000)
  var rate: Double = 1e-3
  @Param("Whether coefficients are kept between 0 and 1.")
  var clamp: Bool = false
  @Param("Patterns of tensors that stay each model's own, such as heads.")
  var keep: [String] = []
  @Include var reading: TextReading
  @Param("Decides which examples each step looks at.")
  var seed: Int = 0

  func outline() throws -> Content? {
    _ = try checked()
    return models[0].content.foreseen
  }

  func memory() -> Int {
    let entries = models[0].content.tensors.reduce(0) { $0 + $1.shape.count }
    let pass = (try? checked())?.first?.memory(for: data[0], examples: batch, length: reading.length, .gradients) ?? 0
    return entries * 4 * (2 + 3 * models.count) + pass
  }

  func run(_ context: Context) throws -> Checkpoint {
    let runnable = try checked()
    let names = try merged(runnable)
    let origin = try names.map { try base.content.finiteTensor($0).floats }
    let vectors = try models.map { model in
      try zip(names, origin).map { name, origin in
        zip(try model.content.finiteTensor(name).floats, origin).map { $0 - $1 }
      }
    }
    let tasks = try zip(runnable, data).map { model, data in
      AdaMergingTask(
        network: try model.network(),
        examples: try ModelData(data, for: model, reading.lengths, needsLabels: false, context: context), names: names
      )
    }
    var search = CoefficientSearch(
      count: models.count * (coefficients == .perTask ? 1 : names.count), start: start, rate: rate, clamp: clamp)
    func place(_ task: Int, _ tensor: Int) -> Int { coefficients == .perTask ? task : task * names.count + tensor }
    func entries(_ tensor: Int) -> [Float] {
      var sum = origin[tensor]
      for task in models.indices {
        let share = Float(search.values[place(task, tensor)])
        // What adds nothing leaves zeros the sign that they have.
        for (index, entry) in vectors[task][tensor].enumerated() where entry != 0 { sum[index] += share * entry }
      }
      return sum
    }
    for step in 0..<steps {
      try context.checkCancelled()
      let weights = names.indices.map(entries)
      var slopes = [Double](repeating: 0, count: search.values.count)
      var entropy = 0.0
      for (number, task) in tasks.enumerated() {
        var generator = Generator(seed: seed, stream: "adamerging", "task \(number)", "step \(step)")
        let rows = (0..<min(batch, task.examples.count)).map { _ in generator.integer(below: task.examples.count) }
        let found = task.entropy(weights, rows)
        entropy += found.entropy
        for (tensor, gradient) in found.gradients.enumerated() {
          for other in models.indices {
            slopes[place(other, tensor)] += zip(gradient, vectors[other][tensor]).reduce(0) {
              $0 + Double($1.0) * Double($1.1)
            }
          }
        }
      }
      guard entropy.isFinite else {
        throw OperationError(
          .step, "the entropy is no longer a number at step \(step + 1) of \(steps)", helps: ["try a smaller `rate`"])
      }
      search.step(slopes)
      context.progress(step + 1, of: steps, "steps", figure: .init("entropy", entropy))
    }
    let made = Dictionary(
      uniqueKeysWithValues: names.indices.map {
        (names[$0], Tensor(entries($0), shape: models[0].content.entry(names[$0])?.shape ?? []))
      })
    return runnable[0].replacing(made)
  }

  private func checked() throws -> [RunnableModel] {
    guard data.count == models.count else {
      throw OperationError(
        .step, "`adamerging` has \(models.count) models and \(data.count) datasets",
        helps: ["give one for each model, in order"])
    }
    for other in models.dropFirst() { try models[0].content.checkSameTensors(as: other.content, where: isMerged) }
    let runnable = try zip(models, data).map { model, data in
      let model = try RunnableModel(model)
      try model.longest(reading.length)
      _ = try ModelData.task(of: data, for: model, needsLabels: false)
      guard case .classification(2...) = model.blueprint.head else {
        throw OperationError(.data, "`\(model.label)` tells no classes apart, so its predictions have no entropy")
      }
      return model
    }
    guard try !merged(runnable).isEmpty else {
      throw OperationError(.data, "`\(base.label)` and the models have no tensor in common that could be merged")
    }
    return runnable
  }

  private func isMerged(_ name: String) -> Bool {
    base.content.entry(name) != nil && !keep.contains { Pattern($0).matches(name) }
  }

  /// The tensors that are merged, in the first model's order.
  private func merged(_ runnable: [RunnableModel]) throws -> [String] {
    try base.content.checkSameTensors(as: models[0].content, where: isMerged)
    return runnable[0].blueprint.trainable.map(\.name).filter(isMerged)
  }
}

/// One of the tasks that coefficients are learnt for.
private struct AdaMergingTask {
  let network: Network
  let examples: ModelData
  private let parameters: [Parameter]

  init(network: Network, examples: ModelData, names: [String]) {
    self.network = network
    self.examples = examples
    let all = Dictionary(network.weights.all.map { ($0.name, $0) }) { first, _ in first }
    parameters = names.compactMap { all[$0] }
    for parameter in parameters { parameter.isTrainable = true }
  }

  /// The mean entropy of the predictions with other weights, and its gradient for each of them.
  func entropy(_ weights: [[Float]], _ rows: [Int]) -> (entropy: Double, gradients: [[Float]]) {
    for (parameter, entries) in zip(parameters, weights) {
      parameter.withEntries { $0.baseAddress?.update(from: entries, count: entries.count) }
    }
    let sink = SummedGradients(network.memory)
    let entropy = network.entropy(examples.batch(rows), into: sink)
    return (entropy, parameters.map { sink.gradient(of: $0)?.floats ?? [Float](repeating: 0, count: $0.count) })
  }
}

/// Adam over a few coefficients, in float64, as PyTorch defines it.
private struct CoefficientSearch {
  private(set) var values: [Double]
  private var first: [Double]
  private var second: [Double]
  private var steps = 0.0
  private let rate: Double
  private let clamp: Bool

  init(count: Int, start: Double, rate: Double, clamp: Bool) {
    values = [Double](repeating: start, count: count)
    (first, second) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
    (self.rate, self.clamp) = (rate, clamp)
  }

  mutating func step(_ slopes: [Double]) {
    steps += 1
    for (index, slope) in slopes.enumerated() {
      first[index] = 0.9 * first[index] + 0.1 * slope
      second[index] = 0.999 * second[index] + 0.001 * slope * slope
      let mean = first[index] / (1 - pow(0.9, steps))
      let spread = (second[index] / (1 - pow(0.999, steps))).squareRoot()
      values[index] -= rate * mean / (spread + 1e-8)
      if clamp { values[index] = min(max(values[index], 0), 1) }
    }
  }
}
