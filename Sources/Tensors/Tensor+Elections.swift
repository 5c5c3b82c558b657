/// What several models have learnt, decided entry by entry. A task vector τₖ is a model less its base, in float64.
extension Tensor {
  /// One model's share of the elected task vector: where its own has the sign of the sum of all, the largest magnitude of
  /// those that have it, times `scale`; elsewhere the base alone. A sum of 0 counts as negative.
  ///
  /// The elected vector and masks of Huang et al. 2024, EMR-Merging.
  public static func elected(_ models: [Tensor], from base: Tensor, for task: Int, scale: Double) -> Tensor {
    blockwise([base] + models) { operands, count, result in
      for index in 0..<count {
        let start = Double(operands[0][index])
        let largest = election(operands, index)
        let own = Double(operands[1 + task][index]) - start
        result[index] = Float(own * largest > 0 ? start + scale * largest : start)
      }
    }
  }

  /// Σ|τ| of a model, and Σ|elected| over the entries that it agrees with; in the order of the entries.
  public static func electionSums(_ models: [Tensor], from base: Tensor, for task: Int) -> (
    own: Double, elected: Double
  ) {
    var sums = (own: 0.0, elected: 0.0)
    inBlocks(of: [base] + models) { operands, block in
      for index in 0..<block.count {
        let largest = election(operands, index)
        let own = Double(operands[1 + task][index]) - Double(operands[0][index])
        sums.own += own.magnitude
        if own * largest > 0 { sums.elected += largest.magnitude }
      }
    }
    return sums
  }

  /// The entry of largest magnitude among those with the elected sign.
  @inline(__always)
  private static func election(_ operands: [UnsafePointer<Float>], _ index: Int) -> Double {
    let start = Double(operands[0][index])
    var sum = 0.0
    for model in 1..<operands.count { sum += Double(operands[model][index]) - start }
    let sign = sum > 0 ? 1.0 : -1.0
    var largest = 0.0
    for model in 1..<operands.count {
      let difference = Double(operands[model][index]) - start
      if difference * sign > largest { largest = difference * sign }
    }
    return largest * sign
  }

  /// The base plus `scale` · Σₖ τₖ where enough models want it: those whose own entry outweighs `threshold` times what the
  /// others add to it, |τₖ| > `threshold` · |Στ − τₖ|.
  ///
  /// The masks of Wang et al. 2024, Localizing Task Information (TALL masks).
  /// - Parameters:
  ///   - wanted: How many models must want an entry.
  ///   - task: A model that alone decides, or nil for all of them.
  public static func masked(
    _ models: [Tensor], from base: Tensor, scale: Double, threshold: Double, wanted: Int, task: Int? = nil
  ) -> Tensor {
    blockwise([base] + models) { operands, count, result in
      for index in 0..<count {
        let start = Double(operands[0][index])
        var sum = 0.0
        for model in 1..<operands.count { sum += Double(operands[model][index]) - start }
        var voters = 0
        for model in 1..<operands.count where task == nil || task == model - 1 {
          let own = Double(operands[model][index]) - start
          voters += own.magnitude > threshold * (sum - own).magnitude ? 1 : 0
        }
        result[index] = Float(voters >= wanted && sum != 0 ? start + scale * sum : start)
      }
    }
  }
}
