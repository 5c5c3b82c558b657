import CKernels

extension TaskVector {
  /// b + scale · (what the rule makes of the wₖδₖ), as float32; where nothing is added, the base's entry as it is.
  ///
  /// All in float32, in the order of the task vectors: what is kept times its factor, times its weight, added up, divided, scaled.
  ///
  /// - Parameters:
  ///   - vectors: Of one base.
  ///   - weights: One for each.
  public static func merged(_ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule) -> Tensor {
    guard let shape = vectors.first?.base.shape else { preconditionFailure("there is no task vector to merge") }
    return Tensor(shape: shape) { result in
      guard let target = result.baseAddress else { return }
      merge(vectors, weights: weights, rule, 0..<shape.count) { block, entries in
        (target + block.lowerBound).update(from: entries, count: block.count)
      }
    }
  }

  /// A run of what `merged` gives, rounded to a dtype that has kernels.
  /// - Returns: Whether all entries are finite.
  public static func merge(
    _ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule, _ run: Range<Int>,
    into target: UnsafeMutableRawPointer, as dtype: DType
  ) -> Bool {
    var isFinite = true
    merge(vectors, weights: weights, rule, run) { block, entries in
      let place = target + (block.lowerBound - run.lowerBound) * dtype.size
      isFinite = kernel_narrow(entries, place, dtype.kernelFloat, block.count) == 0 && isFinite
    }
    return isFinite
  }

  /// - Parameter body: Gets block after block of what `merged` gives.
  private static func merge(
    _ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule, _ run: Range<Int>,
    _ body: (Range<Int>, UnsafePointer<Float>) -> Void
  ) {
    precondition(vectors.count == weights.count, "\(vectors.count) task vectors have \(weights.count) weights")
    var (divisor, least) = (Float(1), -Float.infinity)
    if case .average(let bound) = rule.combination { (divisor, least) = (WeightedSum.divisor(weights), Float(bound)) }
    let ones = vectors.map { _ in Float(1) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * length) { memory in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: length) { signs in
        weights.map { Float($0) }.withUnsafeBufferPointer { weights in
          ones.withUnsafeBufferPointer { ones in
            guard let masses = memory.baseAddress, let elected = signs.baseAddress else { return }
            let (sums, shares, results) = (masses + length, masses + 2 * length, masses + 3 * length)
            inBlocks(vectors, run, length: length) { block, laid, deltas in
              for number in laid.indices { laid[number].fill(deltas + number * length, block) }
              let elects = elect(laid, weights, ones, deltas, block.count, rule.election, masses, into: elected)
              combine(laid, weights, deltas, block.count, elects ? elected : nil, rule, sums, shares)
              let hasShares = elects && rule.combination.isAverage
              let base = laid[0].base(block)
              kernel_move(
                results, base.place, base.kind, sums, hasShares ? shares : nil, divisor, least, Float(rule.scale),
                block.count)
              body(block, results)
            }
          }
        }
      }
    }
  }

  /// How many entries elect + more than elect -, by Σₖ δₖ; entries where it is zero elect neither.
  public static func signBalance(_ vectors: [TaskVector]) -> Int {
    var balance = 0
    let ones = vectors.map { _ in Float(1) }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { masses in
      guard let masses = masses.baseAddress else { return }
      ones.withUnsafeBufferPointer { ones in
        inBlocks(vectors, length: length) { block, laid, deltas in
          for number in laid.indices { laid[number].fill(deltas + number * length, block) }
          add(laid, ones, deltas, block.count, to: masses)
          var (positive, negative): (Int32, Int32) = (0, 0)
          for index in 0..<block.count {
            positive &+= masses[index] > 0 ? 1 : 0
            negative &+= masses[index] < 0 ? 1 : 0
          }
          balance += Int(positive &- negative)
        }
      }
    }
    return balance
  }

  // MARK: Steps, a block at a time

  /// Entries that are worked on together; short, since several numbers are kept for each.
  private static let length = 512

  /// Σₖ wₖδₖ. Sums begin at +0, so that one of zeros is never -0.
  private static func add(
    _ vectors: UnsafeBufferPointer<LaidTaskVector>, _ weights: UnsafeBufferPointer<Float>,
    _ deltas: UnsafePointer<Float>, _ count: Int, to sums: UnsafeMutablePointer<Float>
  ) {
    for number in vectors.indices {
      kernel_add_weighted(
        sums, deltas + number * length, count, vectors[number].factor, weights[number], number == 0 ? 1 : 0)
    }
  }

  /// Writes the sign bit of each entry's elected sign.
  /// - Returns: Whether there is an election.
  private static func elect(
    _ vectors: UnsafeBufferPointer<LaidTaskVector>, _ weights: UnsafeBufferPointer<Float>,
    _ ones: UnsafeBufferPointer<Float>, _ deltas: UnsafePointer<Float>, _ count: Int,
    _ election: TaskVectorRule.Election, _ masses: UnsafeMutablePointer<Float>,
    into elected: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    var zeroIsNegative = false
    switch election {
    case .none: return false
    case .mass: add(vectors, weights, deltas, count, to: masses)
    case .count: tally(weights, deltas, count, into: masses)
    case .unweighted(let isNegative):
      add(vectors, ones, deltas, count, to: masses)
      zeroIsNegative = isNegative
    }
    kernel_elect(elected, masses, count, zeroIsNegative ? 1 : 0)
    return true
  }

  /// How many more of the wₖδₖ are positive than negative.
  private static func tally(
    _ weights: UnsafeBufferPointer<Float>, _ deltas: UnsafePointer<Float>, _ count: Int,
    into masses: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { masses[index] = 0 }
    for number in weights.indices {
      let delta = deltas + number * length
      let vote: Float = weights[number] > 0 ? 1 : weights[number] < 0 ? -1 : 0
      for index in 0..<count {
        let isPositive: Float = delta[index] > 0 ? 1 : 0
        let isNegative: Float = delta[index] < 0 ? 1 : 0
        masses[index] += vote * (isPositive - isNegative)
      }
    }
  }

  /// Combines the wₖδₖ whose sign is the elected one, or all where none is, and sums up the wₖ of those that agree.
  private static func combine(
    _ vectors: UnsafeBufferPointer<LaidTaskVector>, _ weights: UnsafeBufferPointer<Float>,
    _ deltas: UnsafePointer<Float>, _ count: Int, _ elected: UnsafePointer<UInt32>?, _ rule: TaskVectorRule,
    _ sums: UnsafeMutablePointer<Float>, _ shares: UnsafeMutablePointer<Float>
  ) {
    var countsWeightSigns = true
    if case .unweighted = rule.election { countsWeightSigns = false }
    for number in vectors.indices {
      let (delta, isFirst) = (deltas + number * length, Int32(number == 0 ? 1 : 0))
      let (factor, weight) = (vectors[number].factor, weights[number])
      let flip: UInt32 = countsWeightSigns && weight < 0 ? 0x8000_0000 : 0
      if case .largest = rule.combination {
        kernel_take_largest(sums, delta, elected, flip, count, factor, weight, isFirst)
      } else if let elected {
        kernel_add_agreeing(sums, shares, delta, elected, flip, count, factor, weight, isFirst)
      } else {
        kernel_add_weighted(sums, delta, count, factor, weight, isFirst)
      }
    }
  }
}

extension TaskVectorRule.Combination {
  fileprivate var isAverage: Bool { if case .average = self { true } else { false } }
}
