import Diagnostics
import Operations

extension Translation {
  /// A slice's models as the operation takes them.
  struct Arrangement {
    /// The first input, whose tensors, configuration and side files the result has.
    let lead: Operand
    /// The models that have settings of their own, in the operation's order.
    let merged: [Operand]
    /// All models of the slice.
    let all: [Operand]
    /// The arguments that name all of them.
    let inputs: [String]
  }

  /// Fills the inputs of the method's operation; nil where the models do not fit it, which is reported.
  mutating func arranged(_ operands: [Operand], base reference: ModelReference?) -> Arrangement? {
    let method = document.method
    let base = operands.first { $0.isSame(as: reference) }
    let others = operands.filter { !$0.isSame(as: reference) }
    if method.value.needsBase || method.value.subtractsBase && reference != nil, base == nil {
      diagnostics.append(reference.map { .baseNotInSlice($0, of: method.value) } ?? .baseMissing(method))
      return nil
    }
    if method.value.subtractsBase, let base {
      for setting in base.settings.flatMap(\.all) { diagnostics.append(.settingOfBase(setting, base.model.name)) }
    }
    switch method.value.operands {
    case .all(let slot):
      // The leading model gives configuration and tokenizer, so the base comes first wherever it is listed.
      let ordered = (base.map { [$0] } ?? []) + others
      return Arrangement(lead: ordered[0], merged: ordered, all: operands, inputs: [list(slot, ordered)])
    case .one(let slot):
      guard checkCount(operands, "one model", 1...1) else { return nil }
      return Arrangement(
        lead: operands[0], merged: operands, all: operands, inputs: [labelled(slot, operands[0])])
    case .pair(base: let slot, let other):
      guard checkCount(others, "one model beside its base", 1...1), let base else { return nil }
      return Arrangement(
        lead: base, merged: [], all: operands, inputs: [labelled(slot, base), labelled(other, others[0])])
    case .two(let first, let second, base: let slot):
      guard checkCount(others, "two models", 2...2) else { return nil }
      var inputs = [labelled(first, others[0]), labelled(second, others[1])]
      if let base { inputs.append(labelled(slot, base)) }
      return Arrangement(lead: others[0], merged: others, all: operands, inputs: inputs)
    case .models(let slot, base: let baseSlot, isBaseRequired: _):
      let least = catalog[method.value.operation]?.signature.slot(slot)?.minimumCount ?? 1
      let wanted = least == 1 ? "a model" : "\(least) models"
      guard checkCount(others, base == nil ? wanted : "\(wanted) beside its base", least...Int.max) else { return nil }
      let models = list(slot, others)
      guard let base else { return Arrangement(lead: others[0], merged: others, all: operands, inputs: [models]) }
      let inputs = [labelled(baseSlot, base), models]
      return Arrangement(lead: method.value.needsBase ? base : others[0], merged: others, all: operands, inputs: inputs)
    }
  }

  private mutating func checkCount(_ operands: [Operand], _ wanted: String, _ range: ClosedRange<Int>) -> Bool {
    if range.contains(operands.count) { return true }
    diagnostics.append(.operandCount(document.method, wanted: wanted, names: operands.map(\.model.name)))
    return false
  }

  private func labelled(_ slot: String, _ operand: Operand) -> String { "\(slot): \(operand.text)" }

  private func list(_ slot: String, _ operands: [Operand]) -> String {
    "\(slot): [\(operands.map(\.text).joined(separator: ", "))]"
  }
}
