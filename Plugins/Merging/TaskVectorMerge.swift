import Operations
import Tensors

/// An operation that merges task vectors: what models add to the base that they have in common.
protocol TaskVectorMerge: TensorwiseOperation, Referenced {
  var base: Checkpoint { get }
  var models: [Checkpoint] { get }
}

/// How the sign of an entry is elected, with which task vectors have to agree in order to take part.
enum SignConsensus: String, Choice {
  case none
  case mass
  case count
  case unweighted

  var text: String {
    switch self {
    case .none: "No sign is elected: all take part."
    case .mass: "The sign of the sum of the weighted task vectors, + where it is zero; mergekit's way."
    case .count: "The sign that more of the weighted task vectors have, + where as many have the other."
    case .unweighted:
      "The sign of the sum without weights, and where it is zero the one that more entries elect; the TIES paper's way."
    }
  }

  /// - Parameter balance: How many more entries elect + than -, for `unweighted`.
  fileprivate func election(balance: Int) -> TaskVectorRule.Election {
    switch self {
    case .none: .none
    case .mass: .mass
    case .count: .count
    case .unweighted: .unweighted(zeroIsNegative: balance <= 0)
    }
  }
}

/// What makes up for entries that were dropped at random.
enum Rescaling: String, Choice {
  case l1
  case inverseDensity = "inverse_density"
  case none

  var text: String {
    switch self {
    case .l1: "Each tensor's sum of magnitudes is made what it was before; mergekit's way."
    case .inverseDensity: "Each kept entry is divided by the probability of keeping it; the papers' way."
    case .none: "Nothing does."
    }
  }
}

extension TaskVectorMerge {
  /// What each model adds to the base.
  func differences(_ read: TensorReader) throws -> [TaskVector] {
    let base = try read(base)
    return try models.map { TaskVector(try read($0), minus: base) }
  }

  /// The base with what the task vectors become.
  /// - Parameter balance: How many more entries elect + than -, where that is known of more than this tensor.
  func merged(
    _ vectors: [TaskVector], weights: [Double], _ consensus: SignConsensus,
    _ combination: TaskVectorRule.Combination, scale: Double, balance: Int? = nil
  ) -> Tensor {
    let balance = consensus == .unweighted ? balance ?? TaskVector.signBalance(vectors) : 0
    return TaskVector.merged(
      vectors, weights: weights, TaskVectorRule(consensus.election(balance: balance), combination, scale: scale))
  }
}

extension TaskVector {
  /// Of which only the entries above a cut are kept.
  func keeping(above cut: MagnitudeCut) -> TaskVector {
    TaskVector(model, minus: base, kept: .between(above: cut, notAbove: .nothing))
  }

  var magnitudes: Magnitudes { Magnitudes(model, minus: base) }
}
