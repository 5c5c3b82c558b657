import Diagnostics
import Operations
import Tensors

/// What keeps a Fisher from being zero.
enum FisherMinimum: String, Choice {
  case targetFloor = "target_floor"
  case floor
  case add

  var text: String {
    switch self {
    case .targetFloor:
      "The first model's Fisher is at least `epsilon`; Matena and Raffel's default (`favor_target_model`)."
    case .floor: "Every model's Fisher is at least `epsilon`; Matena and Raffel with `favor_target_model` off."
    case .add: "Every Fisher has `epsilon` added to it, as FusionBench and MergeLM do it."
    }
  }
}

/// How Fishers become the weights of an average, entry by entry: `fₖ = max(Fₖ + offsetₖ, floorₖ)`, weighted by λₖ.
struct FisherWeighting {
  /// λₖ.
  let weights: [Double]
  let floors: [Double]
  let offsets: [Double]

  /// - Parameters:
  ///   - shares: cₖ, how much each model counts.
  ///   - norms: ‖Fₖ‖ over all tensors that are merged; nil where Fishers are taken as they are.
  init(shares: [Double], norms: [Double]?, minimum: FisherMinimum, epsilon: Double) {
    let zeros = shares.map { _ in 0.0 }
    switch minimum {
    case .targetFloor:
      floors = zeros.indices.map { $0 == 0 ? epsilon : 0 }
      offsets = zeros
    case .floor:
      floors = zeros.map { _ in epsilon }
      offsets = zeros
    case .add:
      floors = zeros
      offsets = zeros.map { _ in epsilon }
    }
    guard let norms else {
      weights = shares
      return
    }
    // FusionBench adds epsilon to the norms too, and makes the λ sum to one, which cancels in the average.
    let lengths = minimum == .add ? norms.map { $0 + epsilon } : norms
    weights = zip(shares, lengths).map { $0 / $1 }
  }

  /// One tensor of the average.
  func average(_ tensors: [Tensor], fishers: [Tensor]) -> Tensor {
    let operands = tensors.indices.map { index in
      PrecisionOperand(
        values: tensors[index], precisions: fishers[index], weight: weights[index], floor: floors[index],
        offset: offsets[index])
    }
    return Tensor.precisionWeightedAverage(operands).average
  }
}

extension [Fisher] {
  /// Whether all of them have a tensor.
  func cover(_ name: String) -> Bool { allSatisfy { $0.content.entry(name) != nil } }

  /// Checks that there is one for each model, that they fit the models' tensors, and that they have at least one in
  /// common.
  /// - Parameter matters: Which tensors are merged; heads that stay apart may differ.
  func check(
    for models: [Checkpoint], _ operation: String, where matters: (String) -> Bool = { _ in true }
  ) throws {
    guard count == models.count else {
      throw OperationError(
        .step, "`\(operation)` has \(models.count) models and \(count) \(count == 1 ? "Fisher" : "Fishers")",
        helps: ["give one Fisher for each model, in order: `[for model in models: fisher(model:, data:)]`"])
    }
    let shapes = Dictionary(uniqueKeysWithValues: models[0].content.shapes.map { ($0.name, $0.shape) })
    for fisher in self {
      for tensor in fisher.content.tensors where cover(tensor.name) && matters(tensor.name) {
        guard let shape = shapes[tensor.name] else {
          throw OperationError(.data, "`\(tensor.name)` is in `\(fisher.label)`, but not in `\(models[0].label)`")
        }
        guard shape == tensor.shape else {
          throw OperationError(
            .data, "`\(tensor.name)` is \(shape) in `\(models[0].label)`, \(tensor.shape) in `\(fisher.label)`")
        }
      }
    }
    guard models[0].content.tensors.contains(where: { cover($0.name) && matters($0.name) }) else {
      throw OperationError(.data, "no tensor of `\(models[0].label)` has an estimate in every one of `fishers`")
    }
  }

  /// ‖Fₖ‖₂ over all tensors that are merged: squares are added up tensor by tensor, in the tensors' order.
  func norms(_ context: Context, where matters: (String) -> Bool = { _ in true }) throws -> [Double] {
    try map { fisher in
      let shared = fisher.content.tensors.map(\.name).filter { cover($0) && matters($0) }
      let squares = try context.map(shared) { name in
        Tensor.gram([try fisher.content.finiteTensor(name)])[0, 0]
      }
      let norm = squares.reduce(0, +).squareRoot()
      guard norm > 0 else {
        throw OperationError(
          .data, "`\(fisher.label)` is zero everywhere, so it cannot be divided by its norm",
          helps: ["`normalize: false` takes Fishers as they are"])
      }
      return norm
    }
  }
}
