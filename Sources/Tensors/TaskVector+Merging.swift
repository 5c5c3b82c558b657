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
      if let target = result.baseAddress { merge(vectors, weights: weights, rule, 0..<shape.count, into: target) }
    }
  }

  /// A run of what `merged` gives, rounded to a dtype that has kernels.
  /// - Returns: Whether all entries are finite.
  public static func merge(
    _ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule, _ run: Range<Int>,
    into target: UnsafeMutableRawPointer, as dtype: DType
  ) -> Bool {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Tensor.blockLength) { floats in
      guard let floats = floats.baseAddress else { return true }
      var isFinite = true
      for start in stride(from: run.lowerBound, to: run.upperBound, by: Tensor.blockLength) {
        let block = start..<min(start + Tensor.blockLength, run.upperBound)
        merge(vectors, weights: weights, rule, block, into: floats)
        let place = target + (start - run.lowerBound) * dtype.size
        isFinite = kernel_narrow(floats, place, dtype.kernelFloat, block.count) == 0 && isFinite
      }
      return isFinite
    }
  }

  private static func merge(
    _ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule, _ run: Range<Int>,
    into target: UnsafeMutablePointer<Float>
  ) {
    precondition(vectors.count == weights.count, "\(vectors.count) task vectors have \(weights.count) weights")
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * length) { memory in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: length) { signs in
        guard let masses = memory.baseAddress, let elected = signs.baseAddress else { return }
        let (sums, shares) = (masses + length, masses + 2 * length)
        inBlocks(vectors, run, length: length) { block, base, deltas, scratch in
          for (number, vector) in vectors.enumerated() {
            vector.fill(deltas + number * length, block, base: base, scratch)
          }
          let elects = elect(vectors, weights, deltas, block.count, rule.election, masses, into: elected)
          combine(vectors, weights, deltas, block.count, elects ? elected : nil, rule, sums, shares)
          var (divisor, least) = (Float(1), -Float.infinity)
          if case .average(let bound) = rule.combination {
            (divisor, least) = (WeightedSum.divisor(weights), Float(bound))
          }
          let hasShares = elects && rule.combination.isAverage
          kernel_move(
            target + (block.lowerBound - run.lowerBound), base.entries, base.kind, sums, hasShares ? shares : nil,
            divisor, least, Float(rule.scale), block.count)
        }
      }
    }
  }

  /// How many entries elect + more than elect -, by Σₖ δₖ; entries where it is zero elect neither.
  public static func signBalance(_ vectors: [TaskVector]) -> Int {
    var balance = 0
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { masses in
      guard let masses = masses.baseAddress else { return }
      inBlocks(vectors, length: length) { block, base, deltas, scratch in
        for (number, vector) in vectors.enumerated() {
          vector.fill(deltas + number * length, block, base: base, scratch)
        }
        add(vectors, vectors.map { _ in 1 }, deltas, block.count, to: masses)
        var (positive, negative): (Int32, Int32) = (0, 0)
        for index in 0..<block.count {
          positive &+= masses[index] > 0 ? 1 : 0
          negative &+= masses[index] < 0 ? 1 : 0
        }
        balance += Int(positive &- negative)
      }
    }
    return balance
  }

  // MARK: Steps, a block at a time

  /// Entries that are worked on together; short, since several numbers are kept for each.
  private static let length = 512

  /// Σₖ wₖδₖ. Sums begin at +0, so that one of zeros is never -0.
  private static func add(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    to sums: UnsafeMutablePointer<Float>
  ) {
    for (number, vector) in vectors.enumerated() {
      kernel_add_weighted(
        sums, deltas + number * length, count, Float(vector.factor), Float(weights[number]), number == 0 ? 1 : 0)
    }
  }

  /// Writes the sign bit of each entry's elected sign.
  /// - Returns: Whether there is an election.
  private static func elect(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    _ election: TaskVectorRule.Election, _ masses: UnsafeMutablePointer<Float>,
    into elected: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    var zeroIsNegative = false
    switch election {
    case .none: return false
    case .mass: add(vectors, weights, deltas, count, to: masses)
    case .count: tally(weights, deltas, count, into: masses)
    case .unweighted(let isNegative):
      add(vectors, weights.map { _ in 1 }, deltas, count, to: masses)
      zeroIsNegative = isNegative
    }
    kernel_elect(elected, masses, count, zeroIsNegative ? 1 : 0)
    return true
  }

  /// How many more of the wₖδₖ are positive than negative.
  private static func tally(
    _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int, into masses: UnsafeMutablePointer<Float>
  ) {
    for index in 0..<count { masses[index] = 0 }
    for (number, weight) in weights.enumerated() {
      let delta = deltas + number * length
      let vote: Float = weight > 0 ? 1 : weight < 0 ? -1 : 0
      for index in 0..<count {
        let isPositive: Float = delta[index] > 0 ? 1 : 0
        let isNegative: Float = delta[index] < 0 ? 1 : 0
        masses[index] += vote * (isPositive - isNegative)
      }
    }
  }

  /// Combines the wₖδₖ whose sign is the elected one, or all where none is, and sums up the wₖ of those that agree.
  private static func combine(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    _ elected: UnsafePointer<UInt32>?, _ rule: TaskVectorRule, _ sums: UnsafeMutablePointer<Float>,
    _ shares: UnsafeMutablePointer<Float>
  ) {
    var countsWeightSigns = true
    if case .unweighted = rule.election { countsWeightSigns = false }
    for (number, vector) in vectors.enumerated() {
      let (delta, isFirst) = (deltas + number * length, Int32(number == 0 ? 1 : 0))
      let (factor, weight) = (Float(vector.factor), Float(weights[number]))
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
