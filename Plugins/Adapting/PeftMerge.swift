import Adapters
import Diagnostics
import Operations
import Tensors

/// PEFT's `add_weighted_adapter`, as it is.
struct PeftMerge: Sendable {
  let isRankStabilised: Bool
  private let operation: AdapterMerge
  private let shares: [Double]
  private let method: AdapterMerge.Method
  /// The rank of every layer of the result.
  private let rank: Int

  /// - Throws: `OperationError` where PEFT would not merge these.
  init(_ operation: AdapterMerge, _ readings: [AdapterReading]) throws {
    self.operation = operation
    shares = operation.weights.isEmpty ? readings.map { _ in 1 } : operation.weights
    for reading in readings where type(of: reading.kind) != LoRA.self {
      throw OperationError(
        .step, "`\(reading.content.label)` is no LoRA, and PEFT merges no others", helps: ["`.exact` and `.svd` do"])
    }
    // PEFT merges a single adapter by `linear`, whatever it is asked for.
    method = readings.count == 1 ? .peftLinear : operation.method
    let ranks = readings.map { reading in reading.layers.compactMap { reading.rank(at: $0.layer) }.max() ?? 1 }
    isRankStabilised = readings[0].content.facts["use_rslora"]?.bool ?? false
    let largest = ranks.max() ?? 1
    switch method {
    case .peftCat: rank = ranks.reduce(0, +)
    case _ where method.decomposes: rank = operation.rank ?? largest
    default:
      guard Set(ranks).count == 1 else {
        throw OperationError(
          .step,
          "`adapters` have ranks \(ranks.map(String.init).joined(separator: ", ")), and `.\(method.rawValue)` adds factors of one rank",
          helps: ["`.exact` and `.svd` merge adapters of any rank"])
      }
      rank = largest
    }
  }

  func merged(_ operands: [AdapterMerge.Operand], _ path: String) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    let parts = try operands.map { operand -> (scale: Double, b: DoubleMatrix, a: DoubleMatrix) in
      guard let factors = operand.layer.lowRank else {
        throw OperationError(
          .step,
          "`\(operand.reading.content.label)` changes a convolution at `\(path)`, which only `.exact` and `.svd` merge")
      }
      let read = operand.reading.read
      return (factors.scale, DoubleMatrix(try read(factors.b)), DoubleMatrix(try read(factors.a)))
    }
    let weights = zip(operands, parts).map { shares[$0.index] * $1.scale }
    guard let combination = method.combination else {
      let a = DoubleMatrix.stacked(zip(weights, parts).map { $0 * $1.a })
      return (DoubleMatrix.beside(parts.map(\.b)).padded(columns: rank), a.padded(rows: rank))
    }
    func combined(_ matrices: [DoubleMatrix], _ weights: [Double], _ part: String) -> DoubleMatrix {
      combination.combined(
        matrices, weights, density: operation.density.share, byFrequency: operation.byFrequency
      ) { Generator(seed: operation.seed, stream: "adapter_merge", path, part, String($0)) }
    }
    guard method.decomposes else {
      let roots = weights.map { $0.magnitude.squareRoot() }
      let signed = zip(weights, roots).map { $0 < 0 ? -$1 : $1 }
      return (combined(parts.map(\.b), roots, "B"), combined(parts.map(\.a), signed, "A"))
    }
    let changes = parts.map { $0.scale * ($0.b * $0.a) }
    let counted = operation.scaledTwice ? weights : operands.map { shares[$0.index] }
    return try decomposed(combined(changes, counted, "change"), path)
  }

  /// B = U S and A = Vᵀ.
  private func decomposed(_ change: DoubleMatrix, _ path: String) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    guard rank <= min(change.rows, change.columns) else {
      throw OperationError(
        .step, "`adapter_merge` is to have rank \(rank), and `\(path)` is \(change.rows)×\(change.columns)")
    }
    guard let found = SingularValues(change)?.first(rank) else {
      throw OperationError.notDecomposed(path, by: "adapter_merge")
    }
    return (found.left.scalingColumns(by: found.values), found.right)
  }
}

/// How PEFT makes one matrix of several.
enum FactorCombination {
  case sum, ties, dareLinear, dareTies, magnitudePrune

  func combined(
    _ matrices: [DoubleMatrix], _ weights: [Double], density: Double, byFrequency: Bool,
    _ generator: (Int) -> Generator
  ) -> DoubleMatrix {
    var pruned = matrices
    if self != .sum, density < 1 {
      pruned = matrices.enumerated().map { index, matrix in
        if self == .ties || self == .magnitudePrune {
          return matrix.keepingLargest(Int(density * Double(matrix.entries.count)))
        }
        var generator = generator(index)
        return DoubleMatrix(
          rows: matrix.rows, columns: matrix.columns,
          matrix.entries.map { generator.uniform() < density ? $0 / density : 0 })
      }
    }
    let votes = self == .ties || self == .dareTies
    let entries = pruned[0].entries.indices.map { place -> Double in
      let values = pruned.map { $0.entries[place] }
      guard votes else { return zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } }
      let sum = values.reduce(0) { $0 + (byFrequency ? Double($1.signum) : $1) }
      let agreeing = zip(weights, values).filter { sum >= 0 ? $1 > 0 : $1 < 0 }
      return agreeing.reduce(0) { $0 + $1.0 * $1.1 } / Double(max(agreeing.count, 1))
    }
    return DoubleMatrix(rows: pruned[0].rows, columns: pruned[0].columns, entries)
  }
}

extension Double {
  fileprivate var signum: Int { self > 0 ? 1 : self < 0 ? -1 : 0 }
}

extension DoubleMatrix {
  /// The entries of largest magnitude, of equal ones the first; all others zero.
  fileprivate func keepingLargest(_ count: Int) -> DoubleMatrix {
    let order = entries.indices.sorted { (entries[$1].magnitude, $0) < (entries[$0].magnitude, $1) }
    var kept = [Double](repeating: 0, count: entries.count)
    for place in order.prefix(count) { kept[place] = entries[place] }
    return DoubleMatrix(rows: rows, columns: columns, kept)
  }

  fileprivate func padded(rows count: Int) -> DoubleMatrix {
    .stacked([self, DoubleMatrix(zeros: max(0, count - rows), columns)])
  }

  fileprivate func padded(columns count: Int) -> DoubleMatrix {
    .beside([self, DoubleMatrix(zeros: rows, max(0, count - columns))])
  }
}
