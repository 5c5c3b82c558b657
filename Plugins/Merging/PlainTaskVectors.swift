import Operations
import Tensors

/// The task vectors of one tensor, entry by entry, and what the papers do with them, step by step: the references that the laws
/// compare the operations with. Entries are float32 numbers, and so is what is made of them.
struct PlainTaskVectors {
  var base: [Double]
  /// δₖ = xₖ − b, taken in float32 as the fast path takes it; later what is kept of it.
  var deltas: [[Double]]

  init(_ merge: some TaskVectorMerge, _ read: TensorReader) throws {
    let base = try read(merge.base).doubles
    self.base = base
    deltas = try merge.models.map { model in
      zip(try read(model).doubles, base).map { Double(Float($0.0) - Float($0.1)) }
    }
  }

  // MARK: Keeping some

  /// The order of entries by magnitude, largest first; of equal ones, the lower index first.
  static func order(_ entries: [Double]) -> [Int] {
    entries.indices.sorted { a, b in
      abs(entries[a]) != abs(entries[b]) ? abs(entries[a]) > abs(entries[b]) : a < b
    }
  }

  /// Keeps the entries of one task vector whose places in that order lie in a range.
  mutating func keep(_ places: Range<Int>, of number: Int) {
    var kept = deltas[number].map { _ in 0.0 }
    for index in PlainTaskVectors.order(deltas[number])[places] { kept[index] = deltas[number][index] }
    deltas[number] = kept
  }

  /// Multiplies one task vector so that its sum of magnitudes is what it is of `before`.
  mutating func rescale(_ number: Int, as before: [Double]) {
    let all = before.reduce(0) { $0 + abs($1) }
    let left = deltas[number].reduce(0) { $0 + abs($1) }
    guard all >= 1e-7, left >= 1e-7 else { return }
    multiply(number, by: all / left)
  }

  /// Multiplies one task vector.
  mutating func multiply(_ number: Int, by factor: Double) {
    deltas[number] = deltas[number].map { Double(Float(factor) * Float($0)) }
  }

  /// Drops entries of one task vector that are not kept by their probabilities.
  mutating func drop(_ number: Int, keeping probabilities: [Double], _ generator: Generator) {
    for (index, probability) in probabilities.enumerated() {
      let isKept = Double(generator.choice(at: index)) < probability * 0x1p40
      if !isKept { deltas[number][index] = 0 }
    }
  }

  // MARK: Merging

  /// A base's entry and what is added to it, in float32; as it is where that is zero, so that -0 stays.
  static func moved(_ entry: Double, by change: Float) -> Double {
    change == 0 ? entry : Double(Float(entry) + change)
  }

  /// How many entries elect + more than elect -.
  var balance: Int { sums.reduce(0) { $0 + ($1 > 0 ? 1 : $1 < 0 ? -1 : 0) } }

  /// Σₖ δₖ.
  private var sums: [Float] { base.indices.map { entry in deltas.reduce(0) { $0 + Float($1[entry]) } } }

  func merged(
    _ weights: [Double], _ consensus: SignConsensus, normalize: Bool, scale: Double, largest: Bool = false,
    balance: Int? = nil
  ) -> [Double] {
    let balance = balance ?? self.balance
    let (sums, weights, scale) = (sums, weights.map { Float($0) }, Float(scale))
    return base.indices.map { entry in
      let parts = zip(weights, deltas).map { $0 * Float($1[entry]) }
      let total = parts.reduce(0, +)
      let isPositive: Bool
      switch consensus {
      case .none: isPositive = true
      case .mass: isPositive = total >= 0
      case .count: isPositive = parts.reduce(0) { $0 + ($1 > 0 ? 1 : $1 < 0 ? -1 : 0) } >= 0
      case .unweighted: isPositive = sums[entry] != 0 ? sums[entry] > 0 : balance > 0
      }
      let agreeing = parts.indices.filter { number in
        let vote = consensus == .unweighted ? Float(deltas[number][entry]) : parts[number]
        return consensus == .none || (isPositive ? vote > 0 : vote < 0)
      }
      var mix = agreeing.reduce(0) { $0 + parts[$1] }
      if largest {
        mix = agreeing.map { parts[$0] }.reduce(0) { abs($1) >= abs($0) ? $1 : $0 }
      } else if normalize {
        let divisor = agreeing.reduce(0) { $0 + weights[$1] }
        mix /= consensus == .none ? (abs(divisor) < 1e-8 ? 1 : divisor) : divisor == 0 ? 1 : divisor
      }
      return PlainTaskVectors.moved(base[entry], by: scale * mix)
    }
  }
}
