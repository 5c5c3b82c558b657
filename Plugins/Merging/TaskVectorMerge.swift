import Operations
import Tensors

/// An operation that merges task vectors: what models add to the base that they have in common.
protocol TaskVectorMerge: TensorwiseOperation, Referenced {
  var base: Checkpoint { get }
  var models: [Checkpoint] { get }
}

/// A merge of task vectors that goes over a tensor's entries a few times, and holds no more of them than a window.
protocol StreamedTaskVectorMerge: TaskVectorMerge {
  /// What is kept of each task vector of a tensor, and how they become one.
  func combination(of vectors: [TaskVector], for tensor: TensorName, _ read: TensorReader) throws
    -> TaskVectorCombination
}

/// What is kept of some task vectors, and how they become one.
struct TaskVectorCombination {
  var vectors: [TaskVector]
  var weights: [Double]
  var rule: TaskVectorRule
}

extension StreamedTaskVectorMerge {
  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let made = try combination(of: differences(read), for: tensor, read)
    return TaskVector.merged(made.vectors, weights: made.weights, made.rule)
  }

  func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    let inputs = [base] + models
    let streams = try inputs.compactMap { try read.stream($0) }
    guard dtype.hasKernels, streams.count == inputs.count, let shape = base.content.entry(tensor.text)?.shape else {
      return nil
    }
    let origin = Tensor(streams[0], shape: shape)
    let vectors = streams.dropFirst().map { TaskVector(Tensor($0, shape: shape), minus: origin) }
    let made = try combination(of: vectors, for: tensor, read)
    // The way over whole tensors says which entry is NaN or infinite, and of what.
    if streams.contains(where: \.hasStrays) { return nil }
    return { run, target in
      guard let place = target.baseAddress else { return }
      let isFinite = TaskVector.merge(
        made.vectors, weights: made.weights, made.rule, run, into: place, as: dtype)
      for stream in streams { if let failure = stream.failure { throw failure } }
      guard isFinite, !streams.contains(where: \.hasStrays) else {
        _ = try rounded(self.tensor(tensor, read), to: dtype, tensor)
        preconditionFailure("`\(Self.about.name)` made `\(tensor)` in two ways, and only one is finite")
      }
    }
  }
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

  /// What becomes of task vectors that elect a sign.
  /// - Parameter balance: How many more entries elect + than -, where that is known of more than this tensor.
  func electing(
    _ vectors: [TaskVector], weights: [Double], _ consensus: SignConsensus,
    _ combination: TaskVectorRule.Combination, scale: Double, balance: Int? = nil
  ) -> TaskVectorCombination {
    let balance = consensus == .unweighted ? balance ?? TaskVector.signBalance(vectors) : 0
    return TaskVectorCombination(
      vectors: vectors, weights: weights,
      rule: TaskVectorRule(consensus.election(balance: balance), combination, scale: scale))
  }
}

extension TaskVector {
  /// Of which only the entries above a cut are kept.
  func keeping(above cut: MagnitudeCut) -> TaskVector { keeping(.between(above: cut, notAbove: .nothing)) }

  func keeping(_ kept: Kept, factor: Double = 1) -> TaskVector {
    TaskVector(model, minus: base, kept: kept, factor: factor)
  }

  var magnitudes: Magnitudes { Magnitudes(model, minus: base) }
}
