/// How task vectors become one: whether they elect a sign for each entry, and what is done with those that agree with it.
public struct TaskVectorRule: Sendable {
  /// How the sign of an entry is elected.
  public enum Election: Sendable {
    /// Not at all: all task vectors take part.
    case none
    /// The sign of Σₖ wₖδₖ; + where it is zero.
    case mass
    /// The sign that more of the wₖδₖ have; + where as many have the other.
    case count
    /// The sign of Σₖ δₖ; where it is zero, + or, if told so, -. Task vectors agree by their own sign, without their weight's.
    case unweighted(zeroIsNegative: Bool)
  }

  /// What is made of the wₖδₖ that agree.
  public enum Combination: Sendable {
    case sum
    /// The sum divided by that of their wₖ: by 1 where these sum to zero, and by no less than `least`.
    case average(least: Double)
    /// The one of largest magnitude.
    case largest
  }

  public let election: Election
  public let combination: Combination
  /// What the outcome is multiplied with before it is added to the base.
  public let scale: Double

  public init(_ election: Election, _ combination: Combination, scale: Double = 1) {
    self.election = election
    self.combination = combination
    self.scale = scale
  }
}

extension TaskVectorRule.Combination {
  /// The sum of what takes part, divided by the sum of its weights or not.
  public static func sum(normalized: Bool) -> TaskVectorRule.Combination {
    normalized ? .average(least: -.infinity) : .sum
  }
}
