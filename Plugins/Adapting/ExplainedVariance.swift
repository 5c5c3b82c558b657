import Diagnostics
import Networks
import Operations
import Tensors

/// The principal components of many layers' inputs, and how ranks are shared out among the layers by what they explain.
struct ExplainedVariance {
  struct Layer {
    /// What the network calls it.
    let path: String
    /// The largest rank that it can have.
    let most: Int
  }

  /// What a layer gets.
  struct Found {
    let components: DoubleMatrix
    let singularValues: [Double]
    /// Share of the inputs' variance that they explain together.
    let explained: Double
  }

  private let layers: [Layer]
  private let budget: Int
  private let tau: Double
  private let method: PrincipalComponents.Method
  private let spread: Double
  private let rank: Int
  /// The components of each input; several layers may have one.
  private var inputs: [PrincipalComponents] = []
  /// Which of the inputs a layer has.
  private var numbers: [String: Int] = [:]
  /// Whether each component of an input has settled.
  private var settled: [[Bool]] = []
  private var ranks: [Int]

  init(_ layers: [Layer], rank: Int, spread: Double, converged: Double, method: PrincipalComponents.Method) {
    self.layers = layers
    self.rank = rank
    self.spread = spread
    budget = rank * layers.count
    tau = converged
    self.method = method
    ranks = layers.map { _ in rank }
  }

  /// Whether all components that are used have settled; never, where the whole covariance is kept.
  var isDone: Bool {
    guard case .incremental = method, !numbers.isEmpty else { return false }
    return layers.indices.allSatisfy { isSettled($0) }
  }

  private func isSettled(_ index: Int) -> Bool {
    guard let number = numbers[layers[index].path] else { return false }
    return settled[number].count >= ranks[index] && settled[number].prefix(ranks[index]).allSatisfy { $0 }
  }

  /// What a batch gave as the input of a layer, or of several that have the same.
  struct Input: Sendable {
    let paths: [String]
    let rows: RowSummary
  }

  /// Works on what a batch brought, several inputs at once.
  /// - Throws: `OperationError` where an input is not finite.
  mutating func add(_ batch: [Input], _ context: Context) throws {
    for input in batch where numbers[input.paths[0]] == nil {
      for path in input.paths { numbers[path] = inputs.count }
      let wanted = Int((spread * Double(rank)).rounded(.toNearestOrEven))
      inputs.append(PrincipalComponents(wanted, width: input.rows.width, method))
      settled.append([])
    }
    // Settled for all layers that have an input: nothing is left to find out.
    let open = batch.compactMap { input in numbers[input.paths[0]].map { (number: $0, rows: input.rows) } }
      .filter { item in
        guard case .incremental = method else { return true }
        return !layers.indices.filter { numbers[layers[$0].path] == item.number }.allSatisfy(isSettled)
          && item.rows.count >= inputs[item.number].wanted
      }
    let before = open.map { (components: inputs[$0.number], rows: $0.rows) }
    let updated = try context.map(before) { item -> PrincipalComponents in
      var components = item.components
      guard components.add(item.rows) else { throw Self.notFinite }
      return components
    }
    for (item, after) in zip(open, updated) {
      settled[item.number] = after.cosines(with: inputs[item.number]).map { $0 >= tau }
      inputs[item.number] = after
    }
    if case .incremental = method { shareOut() }
  }

  private static var notFinite: OperationError {
    OperationError(.step, "the inputs of a layer cannot be decomposed: an entry is NaN or infinite")
  }

  /// Gives all ranks to the components that explain most; of equals the one that comes first.
  private mutating func shareOut() {
    var shares: [(share: Double, layer: Int)] = []
    for (index, layer) in layers.enumerated() {
      guard let number = numbers[layer.path] else { continue }
      shares += inputs[number].explained.prefix(layer.most).map { ($0, index) }
    }
    let chosen = shares.enumerated().sorted { ($1.element.share, $0.offset) < ($0.element.share, $1.offset) }.prefix(
      budget)
    var ranks = layers.map { _ in 0 }
    for (_, element) in chosen { ranks[element.layer] += 1 }
    self.ranks = ranks
  }

  /// What each layer gets, in their order.
  /// - Throws: `OperationError` where inputs are constant, or too few.
  consuming func finish() throws -> [Found] {
    for index in inputs.indices {
      guard inputs[index].finish() else { throw Self.notFinite }
    }
    shareOut()
    return try layers.indices.map { index in
      guard let number = numbers[layers[index].path], inputs[number].count > 0 else {
        throw OperationError(
          .step, "no batch has as many inputs for `\(layers[index].path)` as components are looked for",
          helps: ["a larger `batch`, or a smaller `rank` or `spread`, makes it possible"])
      }
      let input = inputs[number]
      guard input.count >= input.wanted else {
        throw OperationError(
          .step, "`\(layers[index].path)` has \(input.count) inputs, and \(input.wanted) components are looked for",
          helps: ["more `data` or `steps`, or a smaller `rank` or `spread`, makes it possible"])
      }
      guard input.explained.contains(where: { $0 > 0 }) else {
        throw OperationError(
          .step, "the inputs of `\(layers[index].path)` are all the same, so no direction explains anything")
      }
      let rank = min(ranks[index], input.components.rows)
      return Found(
        components: input.components.firstRows(rank), singularValues: Array(input.singularValues.prefix(rank)),
        explained: input.explained.prefix(rank).reduce(0, +))
    }
  }
}
