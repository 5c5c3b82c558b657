import Foundation

/// How task vectors compete for each entry, and how much each of them is to count there (Du et al. 2024, PCB-Merging).
///
/// With T task vectors δ, Cₖ is δₖ with its magnitude brought between the bounds and Nₖ that magnitude on a scale from 0 to 1.
/// The balance of an entry is exp(T (Nₖ² − 1)), how much its own model wants it, times how the others see it. The paper's code
/// has exp(T Nₖ²); the constant factor changes nothing that is made of balances.
public struct Competition: Sendable {
  /// How the other models see an entry.
  public enum Rivalry: Sendable {
    /// tanh(δₖ Σⱼ sign(δⱼ) Nⱼ).
    case scaled
    /// tanh(δₖ Σⱼ δⱼ).
    case plain
    /// Σⱼ tanh(sign(δₖ) Nₖ sign(δⱼ) Nⱼ).
    case pairwise
  }

  /// The magnitudes that one task vector's entries are brought between.
  public struct Bounds: Sendable {
    let least: Double
    let most: Double

    public init(least: Float, most: Float) { (self.least, self.most) = (Double(least), Double(most)) }
  }

  /// The balances of one task vector between which its entries count from nothing to fully.
  public struct Share: Sendable {
    let least: Double
    let most: Double

    public init(least: Float, most: Float) { (self.least, self.most) = (Double(least), Double(most)) }

    /// How much an entry counts. Where only the largest balance is let through, an entry counts fully or not at all.
    func callAsFunction(_ balance: Float) -> Double {
      least < most ? (max(Double(balance), least) - least) / (most - least) : Double(balance) >= most ? 1 : 0
    }
  }

  private let bounds: [Bounds]
  private let rivalry: Rivalry

  /// - Parameter bounds: Of each task vector.
  public init(_ bounds: [Bounds], _ rivalry: Rivalry) { (self.bounds, self.rivalry) = (bounds, rivalry) }

  /// Each task vector's balances, in float32.
  public func balances(of models: [Tensor], from base: Tensor) -> [Tensor] {
    var results = models.map { _ in [Float]() }
    for index in results.indices { results[index].reserveCapacity(base.count) }
    inBlocks(models, base) { _, _, balances in
      for model in balances.indices { results[model].append(balances[model]) }
    }
    return results.map { Tensor($0, shape: base.shape) }
  }

  /// The base and, times the scale, the mean of what the task vectors become between their bounds, each entry weighted by how
  /// much it counts.
  public func merged(
    _ models: [Tensor], from base: Tensor, _ shares: [Share], weights: [Double], scale: Double
  ) -> Tensor {
    var result: [Float] = []
    result.reserveCapacity(base.count)
    inBlocks(models, base) { start, deltas, balances in
      var (sum, total) = (0.0, 0.0)
      for model in deltas.indices {
        let share = shares[model](balances[model])
        sum += weights[model] * bounded(deltas[model], model) * share
        total += share
      }
      result.append(sum == 0 ? start : Float(Double(start) + scale * (sum / max(total, 1e-12))))
    }
    return Tensor(result, shape: base.shape)
  }

  // MARK: Entry by entry

  private func inBlocks(
    _ models: [Tensor], _ base: Tensor, _ body: (_ start: Float, _ deltas: [Double], _ balances: [Float]) -> Void
  ) {
    var deltas = models.map { _ in 0.0 }
    var normal = deltas
    var balances = models.map { _ in Float(0) }
    Tensor.inBlocks(of: [base] + models) { operands, block in
      for index in 0..<block.count {
        for model in models.indices {
          // As everywhere, the difference is taken in float32.
          deltas[model] = Double(operands[1 + model][index] - operands[0][index])
          normal[model] = normalised(deltas[model], model)
        }
        let sum = rivalry == .plain ? deltas.reduce(0, +) : normal.reduce(0, +)
        for model in models.indices {
          let seen =
            rivalry == .pairwise
            ? normal.reduce(0) { $0 + tanh(normal[model] * $1) } : tanh(deltas[model] * sum)
          balances[model] = Float(exp(Double(models.count) * (normal[model] * normal[model] - 1)) * seen)
        }
        body(operands[0][index], deltas, balances)
      }
    }
  }

  /// δ with its magnitude between the bounds.
  private func bounded(_ delta: Double, _ model: Int) -> Double {
    let magnitude = min(max(abs(delta), bounds[model].least), bounds[model].most)
    return delta > 0 ? magnitude : delta < 0 ? -magnitude : 0
  }

  /// sign(δ) · N. Where all magnitudes are brought to one, N is 1.
  private func normalised(_ delta: Double, _ model: Int) -> Double {
    let (least, most) = (bounds[model].least, bounds[model].most)
    let magnitude = least < most ? (min(max(abs(delta), least), most) - least) / (most - least) : 1
    return delta > 0 ? magnitude : delta < 0 ? -magnitude : 0
  }
}
