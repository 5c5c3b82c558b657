import Adapters
import Diagnostics
import Formats
import Foundation
import Operations
import Tensors

/// What an adapter does to its model, in numbers.
struct InspectLora: RecipeOperation {
  static let about = About(
    "inspect_lora",
    "Measure how large an adapter's change is, and how many numbers it trains.",
    discussion: """
      Norms are Frobenius norms over all weights that the adapter changes. The stable rank ‖ΔW‖² / σ₁² says how many \
      directions count; its mean over layers is reported. `base_bound` and `change_bound` bound what any entry of W x and \
      ΔW x can be for inputs of entries up to 1 (the largest absolute row sum), over all layers: where they stay below \
      `threshold` = √ln(length), attention with such an adapter can be approximated in almost linear time, and from about \
      there on it cannot (Hu et al. 2024). That is a statement about growth: its constants are not known, so this is a \
      report and no verdict. With `delta`, `lost` is what the adapter misses of it, ‖Δ − ΔW‖ / ‖Δ‖ over these weights, and \
      `left_out` the share of ‖Δ‖² in all other tensors. \
      Each layer's numbers stand in `layers`.
      """,
    papers: [
      .init("Hu et al. 2024, Computational Limits of Low-Rank Adaptation for Transformer Models", arXiv: "2406.03136")
    ],
    cost: "O(entries × lesser side) for each layer that changes",
    examples: [
      Example("An adapter and its model", "inspect_lora(pissa(base, rank: 4), base:)"),
      Example("What it misses", "inspect_lora(extract_lora(a - base, rank: 2), base:, delta: a - base)"),
    ])

  static let fields = [
    Field("parameters", "Numbers that training changes.", type: .count(nil)),
    Field("share", "The same as a share of the model's.", type: .fraction),
    Field("layers_changed", "Weights that change.", type: .count(.layers)),
    Field("relative_norm", "Size of the change relative to the weights'."),
    Field("stable_rank", "How many directions the change has, in the mean over layers."),
    Field("base_bound", "The most that an entry of W x can be for entries of x up to 1."),
    Field("change_bound", "The most that an entry of ΔW x can be for entries of x up to 1."),
    Field("threshold", "The root of the logarithm of `length`, which the bounds compare with."),
    Field("lost", "What the adapter misses of `delta`, relative to it; 0 without one."),
    Field("left_out", "Share of the squares of `delta` in tensors that the adapter leaves alone; 0 without one."),
  ]

  @Input("The adapter.")
  var adapter: Adapter
  @Input("The model that it is for.")
  var base: Checkpoint
  @Input("What it should be, to say what it misses.")
  var delta: Delta?
  @Param("Tokens of a text, for the threshold.", in: 2...1_000_000_000, unit: .tokens)
  var length: Int = 4096

  func outline() throws -> Content? {
    let model = try AdaptedModel(adapter.content, for: base.content)
    if let path = model.reading.pathOfExperts {
      throw OperationError(
        .step, "`\(adapter.label)` changes experts of `\(path)`, and `inspect_lora` looks at layers alone")
    }
    return Content(.metrics)
  }

  func memory() -> Int {
    let needs = base.content.tensors.filter { $0.shape.rank >= 2 }.map { entry in
      8 * entry.shape.count * 4
        + SingularValues.byteCount(rows: entry.shape[0], columns: entry.shape.count / max(entry.shape[0], 1))
    }
    return MemoryRoom.memory(needs)
  }

  private struct Numbers: Sendable {
    var weight = 0.0
    var change = 0.0
    var stableRank = 0.0
    var baseBound = 0.0
    var changeBound = 0.0
    var wanted = 0.0
    var missed = 0.0
  }

  func run(_ context: Context) throws -> Metrics {
    let model = try AdaptedModel(adapter.content, for: base.content)
    let layers = model.reading.layers.map { $0 }
    let room = MemoryRoom()
    let numbers = try context.map(layers) { path, layer in
      let shape = model.model.entry(path + ".weight")?.shape ?? []
      return try room.with(8 * shape.count * 6) { try measured(path, layer, model) }
    }
    func total(_ part: (Numbers) -> Double) -> Double { numbers.reduce(0) { $0 + part($1) * part($1) }.squareRoot() }
    func largest(_ part: (Numbers) -> Double) -> Double { numbers.map(part).max() ?? 0 }
    let all = base.content.tensors.reduce(0) { $0 + ($1.dtype.isFloat ? $1.shape.count : 0) }
    let (weight, wanted) = (total(\.weight), total(\.wanted))
    let parameters = model.reading.trainedCount
    let facts: JSON = [
      "parameters": .integer(parameters), "share": .number(all == 0 ? 0 : Double(parameters) / Double(all)),
      "layers_changed": .integer(layers.count),
      "relative_norm": .number(weight == 0 ? 0 : total(\.change) / weight),
      "stable_rank": .number(numbers.isEmpty ? 0 : numbers.reduce(0) { $0 + $1.stableRank } / Double(numbers.count)),
      "base_bound": .number(largest(\.baseBound)), "change_bound": .number(largest(\.changeBound)),
      "threshold": .number(log(Double(length)).squareRoot()),
      "lost": .number(wanted == 0 ? 0 : total(\.missed) / wanted),
      "left_out": .number(try leftOut(by: model, wanted: wanted * wanted, context)),
      "layers": .object(zip(layers, numbers).map { .init($0.path, Self.json($1)) }),
    ]
    return Metrics(Content(.metrics, facts: facts))
  }

  /// Of the squares of all of `delta`, those in other tensors than the adapter's weights.
  private func leftOut(by model: AdaptedModel, wanted: Double, _ context: Context) throws -> Double {
    guard let delta else { return 0 }
    let weights = Set(model.reading.layers.map { $0.path + ".weight" })
    let others = delta.content.tensors.filter { $0.dtype.isFloat && !weights.contains($0.name) }
    let squares = try context.map(others) { entry in
      try delta.content.finiteTensor(entry.name).doubles.reduce(0) { $0 + $1 * $1 }
    }
    let sum = squares.reduce(0, +)
    return sum + wanted == 0 ? 0 : sum / (sum + wanted)
  }

  private static func json(_ numbers: Numbers) -> JSON {
    [
      "norm": .number(numbers.weight), "change": .number(numbers.change), "stable_rank": .number(numbers.stableRank),
      "base_bound": .number(numbers.baseBound), "change_bound": .number(numbers.changeBound),
      "lost": .number(numbers.wanted == 0 ? 0 : numbers.missed / numbers.wanted),
    ]
  }

  private func measured(_ path: String, _ layer: AdaptedLayer, _ model: AdaptedModel) throws -> Numbers {
    let name = path + ".weight"
    let stored = try model.model.finiteTensor(name)
    let target = layer.matrix(of: stored)
    let change = try layer.change(of: stored, model.reading.read)
    guard let values = SingularValues(change)?.values else {
      throw OperationError.notDecomposed(name, by: "inspect_lora")
    }
    var numbers = Numbers()
    (numbers.weight, numbers.change) = (target.norm, change.norm)
    if let largest = values.first, largest > 0 { numbers.stableRank = change.norm * change.norm / (largest * largest) }
    (numbers.baseBound, numbers.changeBound) = (target.largestRowSum, change.largestRowSum)
    if let delta, delta.content.entry(name) != nil {
      let wanted = layer.matrix(of: try delta.content.finiteTensor(name))
      (numbers.wanted, numbers.missed) = (wanted.norm, (wanted - change).norm)
    }
    return numbers
  }
}

extension DoubleMatrix {
  /// The largest sum of magnitudes of a row.
  fileprivate var largestRowSum: Double {
    (0..<rows).map { row in entries[row * columns..<(row + 1) * columns].reduce(0) { $0 + $1.magnitude } }.max() ?? 0
  }
}
