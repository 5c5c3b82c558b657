extension TaskVector {
  /// b + scale · (what the rule makes of the wₖδₖ), as float32; where nothing is added, the base's entry as it is.
  ///
  /// Differences are float32; all else is worked out in float64, in the order of the task vectors, and rounded once.
  ///
  /// - Parameters:
  ///   - vectors: Of one base.
  ///   - weights: One for each.
  public static func merged(_ vectors: [TaskVector], weights: [Double], _ rule: TaskVectorRule) -> Tensor {
    precondition(vectors.count == weights.count, "\(vectors.count) task vectors have \(weights.count) weights")
    guard let shape = vectors.first?.base.shape else { preconditionFailure("there is no task vector to merge") }
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * length) { memory in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: length) { signs in
          guard let masses = memory.baseAddress, let elected = signs.baseAddress else { return }
          let (sums, shares) = (masses + length, masses + 2 * length)
          inBlocks(vectors, length: length) { block, base, deltas, scratch in
            for (number, vector) in vectors.enumerated() {
              vector.fill(deltas + number * length, block, base: base, scratch)
            }
            let target = UnsafeMutableBufferPointer(rebasing: result[block])
            if case .none = rule.election {
              if case .largest = rule.combination {
                takeLargest(vectors, weights, deltas, block.count, to: sums)
              } else {
                add(vectors, weights, deltas, block.count, to: sums)
              }
              finish(sums, divisor(weights, rule), rule.scale, base, into: target)
            } else {
              elect(vectors, weights, deltas, block.count, rule.election, masses, into: elected)
              combine(vectors, weights, deltas, block.count, elected, rule, sums, shares)
              finish(sums, shares, rule.combination, rule.scale, base, into: target)
            }
          }
        }
      }
    }
  }

  /// How many entries elect + more than elect -, by Σₖ δₖ; entries where it is zero elect neither.
  public static func signBalance(_ vectors: [TaskVector]) -> Int {
    var balance = 0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: length) { masses in
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
  @inline(__always)
  private static func add(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    for (number, vector) in vectors.enumerated() {
      let (delta, weight) = (deltas + number * length, weights[number] * vector.factor)
      if number == 0 {
        for index in 0..<count { sums[index] = 0 + weight * Double(delta[index]) }
      } else {
        for index in 0..<count { sums[index] += weight * Double(delta[index]) }
      }
    }
  }

  /// The wₖδₖ of largest magnitude; of several, the last.
  @inline(__always)
  private static func takeLargest(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    to sums: UnsafeMutablePointer<Double>
  ) {
    for index in 0..<count { sums[index] = 0 }
    for (number, vector) in vectors.enumerated() {
      let (delta, weight) = (deltas + number * length, weights[number] * vector.factor)
      for index in 0..<count {
        let part = weight * Double(delta[index])
        sums[index] = part.magnitude >= sums[index].magnitude ? part : sums[index]
      }
    }
  }

  /// Writes the sign bit of each entry's elected sign.
  @inline(__always)
  private static func elect(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    _ election: TaskVectorRule.Election, _ masses: UnsafeMutablePointer<Double>,
    into elected: UnsafeMutablePointer<UInt32>
  ) {
    switch election {
    case .none: return
    case .mass: add(vectors, weights, deltas, count, to: masses)
    case .unweighted: add(vectors, weights.map { _ in 1 }, deltas, count, to: masses)
    case .count:
      for index in 0..<count { masses[index] = 0 }
      for (number, weight) in weights.enumerated() {
        let delta = deltas + number * length
        let vote: Double = weight > 0 ? 1 : weight < 0 ? -1 : 0
        for index in 0..<count {
          let isPositive: Double = delta[index] > 0 ? 1 : 0
          let isNegative: Double = delta[index] < 0 ? 1 : 0
          masses[index] += vote * (isPositive - isNegative)
        }
      }
    }
    if case .unweighted(zeroIsNegative: true) = election {
      for index in 0..<count { elected[index] = masses[index] > 0 ? 0 : signBit }
    } else {
      for index in 0..<count { elected[index] = UInt32(truncatingIfNeeded: masses[index].bitPattern &>> 32) & signBit }
    }
  }

  private static let signBit: UInt32 = 0x8000_0000

  /// Combines the wₖδₖ whose sign is the elected one, and sums up their wₖ.
  @inline(__always)
  private static func combine(
    _ vectors: [TaskVector], _ weights: [Double], _ deltas: UnsafePointer<Float>, _ count: Int,
    _ elected: UnsafePointer<UInt32>, _ rule: TaskVectorRule, _ sums: UnsafeMutablePointer<Double>,
    _ shares: UnsafeMutablePointer<Double>
  ) {
    for index in 0..<count {
      sums[index] = 0
      shares[index] = 0
    }
    var countsWeightSigns = true
    if case .unweighted = rule.election { countsWeightSigns = false }
    for (number, vector) in vectors.enumerated() {
      let (delta, weight) = (deltas + number * length, weights[number])
      let (scaled, share) = (weight * vector.factor, weight.bitPattern)
      let flip: UInt32 = countsWeightSigns && weight < 0 ? signBit : 0
      switch rule.combination {
      case .sum:
        for index in 0..<count {
          let bits = delta[index].bitPattern
          // Positive as a whole number: not zero, and without a sign bit that the elected sign has not taken away.
          let agrees: UInt32 = Int32(bitPattern: bits ^ flip ^ elected[index]) > 0 ? ~0 : 0
          sums[index] += scaled * Double(Float(bitPattern: bits & agrees))
        }
      case .average:
        for index in 0..<count {
          let bits = delta[index].bitPattern
          let agrees: UInt32 = Int32(bitPattern: bits ^ flip ^ elected[index]) > 0 ? ~0 : 0
          sums[index] += scaled * Double(Float(bitPattern: bits & agrees))
          shares[index] += Double(bitPattern: share & UInt64(bitPattern: Int64(Int32(bitPattern: agrees))))
        }
      case .largest:
        for index in 0..<count {
          let bits = delta[index].bitPattern
          let agrees: UInt32 = Int32(bitPattern: bits ^ flip ^ elected[index]) > 0 ? ~0 : 0
          let part = scaled * Double(Float(bitPattern: bits & agrees))
          sums[index] = part.magnitude > sums[index].magnitude ? part : sums[index]
        }
      }
    }
  }

  /// What the sum of all task vectors is divided by.
  private static func divisor(_ weights: [Double], _ rule: TaskVectorRule) -> Double {
    guard case .average = rule.combination else { return 1 }
    let total = weights.reduce(0, +)
    return total.magnitude < 1e-8 ? 1 : total
  }

  @inline(__always)
  private static func finish(
    _ sums: UnsafePointer<Double>, _ divisor: Double, _ scale: Double, _ base: UnsafePointer<Float>,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    if divisor == 1 {
      for index in 0..<target.count { target[index] = added(scale * sums[index], base[index]) }
    } else {
      for index in 0..<target.count { target[index] = added(scale * (sums[index] / divisor), base[index]) }
    }
  }

  @inline(__always)
  private static func finish(
    _ sums: UnsafePointer<Double>, _ shares: UnsafePointer<Double>, _ combination: TaskVectorRule.Combination,
    _ scale: Double, _ base: UnsafePointer<Float>, into target: UnsafeMutableBufferPointer<Float>
  ) {
    guard case .average(let least) = combination else { return finish(sums, 1, scale, base, into: target) }
    for index in 0..<target.count {
      let share = shares[index]
      let divisor = share == 0 ? 1 : share
      let bounded = divisor < least ? least : divisor
      target[index] = added(scale * (sums[index] / bounded), base[index])
    }
  }

  /// b + change, and b itself where nothing changes: plus zero would lose the sign of -0.
  @inline(__always)
  private static func added(_ change: Double, _ base: Float) -> Float {
    let isZero: UInt32 = change == 0 ? ~0 : 0
    let sum = Float(Double(base) + change).bitPattern
    return Float(bitPattern: base.bitPattern & isZero | sum & ~isZero)
  }
}
