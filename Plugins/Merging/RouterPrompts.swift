import Diagnostics
import Operations

/// What the experts of a mixture are for, said by prompts.
struct RouterPrompts: SharedSettings {
  @Param("For each expert, prompts of the kind that is to go to it.")
  var prompts: [[String]] = []
  @Param("For each expert, prompts of the kind that is not; an empty list for one without.")
  var negativePrompts: [[String]] = []
  @Param("Prompts of the kind that the shared expert is for.")
  var sharedPrompts: [String] = []
  @Param("Prompts of the kind that it is not for.")
  var sharedNegativePrompts: [String] = []

  /// The prompts of one expert.
  struct Expert {
    let positive: [String]
    let negative: [String]

    /// The same texts byte for byte: two that Swift finds equal may have other tokens.
    func isSame(as other: Expert) -> Bool {
      func bytes(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
      return bytes(positive) == bytes(other.positive) && bytes(negative) == bytes(other.negative)
    }
  }

  /// The prompts of each expert, in order, and those of the shared one at the end.
  /// - Throws: `OperationError` where one has none, or all have the same.
  func experts(_ count: Int, hasShared: Bool) throws -> [Expert] {
    guard !prompts.isEmpty else {
      throw OperationError(
        .step, "routers are to begin from prompts, and `moe` is given none",
        helps: ["`prompts` is a list of lists: for each expert the prompts of the kind that is to go to it"])
    }
    try checkCount(prompts, "prompts", count)
    if !negativePrompts.isEmpty { try checkCount(negativePrompts, "negative_prompts", count) }
    if let index = prompts.firstIndex(of: []) {
      throw OperationError(
        .step, "`prompts` of `moe` has none for `experts[\(index)]`",
        helps: ["each expert needs prompts of the kind that is to go to it"])
    }
    var experts = prompts.indices.map { index in
      Expert(positive: prompts[index], negative: negativePrompts.isEmpty ? [] : negativePrompts[index])
    }
    if experts.count > 1, experts.allSatisfy({ $0.isSame(as: experts[0]) }) {
      throw OperationError(
        .step, "all experts have the same prompts, so each router would score them alike",
        helps: ["`prompts` say what tells an expert from the others"])
    }
    if hasShared {
      guard !sharedPrompts.isEmpty else {
        throw OperationError(
          .step, "the gate of the shared expert is to begin from prompts too, and there are none",
          helps: ["`shared_prompts` of `moe` is a list of them"])
      }
      experts.append(Expert(positive: sharedPrompts, negative: sharedNegativePrompts))
    } else if let name = [("shared_prompts", sharedPrompts), ("shared_negative_prompts", sharedNegativePrompts)]
      .first(where: { !$0.1.isEmpty })?.0
    {
      throw OperationError(
        .step, "`moe` is given `\(name)` and no shared expert", helps: ["leave `\(name)` out"])
    }
    return experts
  }

  /// Checks that there are none, where nothing looks at them.
  func checkNone(for gate: Moe.Gate) throws {
    let given = [
      ("prompts", prompts.isEmpty), ("negative_prompts", negativePrompts.isEmpty),
      ("shared_prompts", sharedPrompts.isEmpty), ("shared_negative_prompts", sharedNegativePrompts.isEmpty),
    ].first { !$0.1 }
    guard let (name, _) = given else { return }
    throw OperationError(
      .step, "`moe` is given `\(name)`, and routers that begin `.\(gate.rawValue)` look at no prompts",
      helps: ["`gate: .hidden` begins them from prompts"])
  }

  private func checkCount(_ lists: [[String]], _ slot: String, _ count: Int) throws {
    guard lists.count != count else { return }
    throw OperationError(
      .step, "`moe` has \(count) experts and \(lists.count) lists of `\(slot)`",
      helps: ["give a list for each expert, in order" + (slot == "prompts" ? "" : "; `[]` for one without")])
  }
}
