import Diagnostics
import Operations
import Recipes

/// A tensor of a merge, and how mergekit sees it.
struct SeenTensor: Sendable {
  /// As the operation of the recipe sees it.
  let tensor: TensorName
  /// The name that mergekit's filters are held against.
  let name: String
  /// The depth that mergekit's gradients are read at.
  let depth: Double
}

/// Writes a parameter in the recipe language: arms that are tried in order become a `match`, the first that fits wins in both.
struct SettingText {
  let slot: Slot
  let operation: String
  /// How a flag is written, for a slot of choices.
  let choices: (whenTrue: String, whenFalse: String)?

  private(set) var diagnostics: [Diagnostic] = []
  /// The arms that decide for some tensor.
  private(set) var used: Set<Place> = []

  init(_ slot: Slot, of operation: String, choices: (whenTrue: String, whenFalse: String)?) {
    self.slot = slot
    self.operation = operation
    self.choices = choices
  }

  /// The setting for some tensors; nil where a tensor is left without a value.
  mutating func text(_ arms: [SettingArm], standard: Double?, for tensors: [SeenTensor]) -> String? {
    guard slot.type.isLayered else { return constant(arms, standard: standard, for: tensors) }
    var written: [(pattern: String, text: String)] = []
    var remaining = tensors
    for arm in arms {
      let fitting = remaining.filter { arm.holds(for: $0.name) }
      guard !fitting.isEmpty || tensors.isEmpty else { continue }
      used.insert(arm.place)
      check(arm)
      let value = text(arm.curve, for: fitting)
      if fitting.count == remaining.count { return match("tensor", written, rest: value) }
      written += patterns(for: fitting, of: arm, among: remaining).map { ($0, value) }
      remaining.removeAll { arm.holds(for: $0.name) }
    }
    return standard.map { match("tensor", written, rest: leaf($0)) }
  }

  /// The one value of a slot that has one for all tensors.
  private mutating func constant(_ arms: [SettingArm], standard: Double?, for tensors: [SeenTensor]) -> String? {
    var values: Set<Double> = []
    for tensor in tensors {
      let arm = arms.first { $0.holds(for: tensor.name) }
      if let arm, used.insert(arm.place).inserted { check(arm) }
      guard let value = arm?.curve(tensor.depth) ?? standard else { return nil }
      values.insert(value)
    }
    if values.count > 1, let place = arms.first?.place {
      diagnostics.append(
        .notSupported(
          "a `\(slot.name)` of `\(operation)` that changes from tensor to tensor", at: place,
          helps: ["give it one value for all"]))
    }
    // Without tensors nothing is known but what the file says.
    return (values.min() ?? arms.first?.curve(0) ?? standard).map(leaf)
  }

  private mutating func check(_ arm: SettingArm) {
    guard choices == nil, !slot.type.isFlag else { return }
    for point in arm.curve.points {
      guard let complaint = slot.complaint(about: .number(point), of: operation) else { continue }
      diagnostics.append(
        Diagnostic(complaint.message, at: arm.place, label: complaint.label, helps: complaint.helps))
      return
    }
  }

  // MARK: Filters

  /// Patterns that fit just these tensors among those that no earlier arm took.
  private func patterns(for fitting: [SeenTensor], of arm: SettingArm, among remaining: [SeenTensor]) -> [String] {
    let wanted = Set(fitting.map(\.tensor.text))
    func fits(_ pattern: String) -> Set<String> {
      let pattern = Pattern(pattern)
      return Set(remaining.map(\.tensor.text).filter(pattern.matches))
    }
    if let filter = arm.filter, fits("*\(filter)*") == wanted { return ["*\(filter)*"] }
    // A filter with a layer's number, where the layers are numbered otherwise: whole layers by their numbers, the rest by name.
    var patterns: [String] = []
    var covered: Set<String> = []
    for tensor in fitting.map(\.tensor) where !covered.contains(tensor.text) {
      var pattern = tensor.text
      if let layer = tensor.layer, let stack = tensor.stack {
        let whole = "\(stack).\(layer).*"
        if fits(whole).isSubset(of: wanted) { pattern = whole }
      }
      covered.formUnion(fits(pattern))
      patterns.append(pattern)
    }
    return patterns
  }

  // MARK: Curves

  /// A curve over the depth of some tensors, so that it gives what mergekit's gradient gives at each of them.
  private func text(_ curve: Curve, for tensors: [SeenTensor]) -> String {
    let values = Set(tensors.map { curve($0.depth) })
    guard curve.points.count > 1, values.count != 1 else { return leaf(values.first ?? curve.points[0]) }
    let gradient = "gradient([\(curve.points.map(leaf).joined(separator: ", "))])"
    if tensors.allSatisfy({ $0.depth == $0.tensor.depth }) { return gradient }
    let stacks = tensors.reduce(into: [String]()) { stacks, seen in
      if let stack = seen.tensor.stack, !stacks.contains(stack) { stacks.append(stack) }
    }
    let outside = leaf(curve.points[0])
    guard stacks.count == 1 else {
      let arms = stacks.map { stack in
        (pattern: "\(stack).*", text: text(curve, for: tensors.filter { $0.tensor.stack == stack }))
      }
      return match("tensor", arms, rest: outside)
    }
    let layers = tensors.compactMap { seen in seen.tensor.layer.map { (number: $0, seen: seen) } }
    let count = (layers.map(\.number).max() ?? 0) + 1
    if layers.allSatisfy({ $0.seen.depth == $0.seen.tensor.depth }) {
      return match("layer", [("0..<\(count)", gradient)], rest: outside)
    }
    let byNumber = Dictionary(layers.map { ($0.number, leaf(curve($0.seen.depth))) }) { first, _ in first }
    let arms = byNumber.sorted { $0.key < $1.key }.map { ("\($0.key)..<\($0.key + 1)", $0.value) }
    return match("layer", arms, rest: outside)
  }

  // MARK: Text

  private func match(_ subject: String, _ arms: [(pattern: String, text: String)], rest: String) -> String {
    guard !arms.isEmpty else { return rest }
    let lines = arms.map { arm in
      "\(subject == "tensor" ? Value.text(arm.pattern).canonical : arm.pattern) => \(arm.text)"
    }
    return "match \(subject) { \((lines + ["_ => \(rest)"]).joined(separator: ", ")) }"
  }

  func leaf(_ number: Double) -> String {
    if let choices { return number != 0 ? choices.whenTrue : choices.whenFalse }
    return slot.type.isFlag ? (number != 0 ? "true" : "false") : Value.number(number).canonical
  }
}

extension ValueType {
  /// Whether it may change from tensor to tensor.
  var isLayered: Bool {
    switch self {
    case .layered: true
    case .list(let inner), .optional(let inner): inner.isLayered
    case .number, .fraction, .count, .flag, .choice: false
    // One value for all models or one for each: what is in it is checked with the recipe.
    default: true
    }
  }

  fileprivate var isFlag: Bool {
    switch self {
    case .flag: true
    case .layered(let inner), .list(let inner), .optional(let inner): inner.isFlag
    default: false
    }
  }
}
