import Operations

/// Something that can be worked out once the metrics it reads are there.
public indirect enum Formula: Sendable, Hashable {
  case value(Value)
  /// A metric of a step: `scores.accuracy`.
  case field(StepID, String)
  case list([Formula])
  /// An operator or a function of the language, over its arguments' values.
  case call(Builtin, [Formula])
  /// Only the branch that is taken is worked out.
  case choose(condition: Formula, then: Formula, otherwise: Formula)

  /// The steps whose metrics it reads, in order, each once.
  public var dependencies: [StepID] {
    var seen: [StepID] = []
    collect(into: &seen)
    return seen
  }

  private func collect(into seen: inout [StepID]) {
    switch self {
    case .value: break
    case .field(let step, _): if !seen.contains(step) { seen.append(step) }
    case .list(let parts), .call(_, let parts): for part in parts { part.collect(into: &seen) }
    case .choose(let condition, let then, let otherwise):
      for part in [condition, then, otherwise] { part.collect(into: &seen) }
    }
  }
}
