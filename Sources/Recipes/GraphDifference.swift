import Operations

/// How what two recipes mean differs: layout, comments, order, and names of steps mean nothing.
public struct GraphDifference: Sendable {
  /// One thing that differs; texts are as recipes write values.
  public enum Change: Sendable, Hashable {
    case added(label: String, operation: String)
    case removed(label: String, operation: String)
    /// A step of the same name has other arguments, or is of another operation.
    case changed(label: String, operation: String, differences: [Difference])
    case export(path: String, Difference)
    /// A requirement's condition.
    case requirement(Difference)
  }

  /// Nil where it is not there.
  public struct Difference: Sendable, Hashable {
    public let name: String
    public let old: String?
    public let new: String?
  }

  public let changes: [Change]

  /// Compares two graphs that were worked out with one catalog.
  public init(_ old: Graph, _ new: Graph, catalog: Catalog) {
    var meanings = Meanings()
    let (a, b) = (Side(old, &meanings), Side(new, &meanings))
    // What stands for a function's parameter is told with the function.
    let lost = old.steps.indices.filter { !b.classes.contains(a.meanings[$0]) && !old.steps[$0].isParameter }
    let made = new.steps.indices.filter { !a.classes.contains(b.meanings[$0]) && !new.steps[$0].isParameter }
    let pairs = Dictionary(
      made.compactMap { step in
        lost.first { a.label($0) == b.label(step) }.map { (step, $0) }
      }
    ) { first, _ in first }
    var changes: [Change] = []
    for step in made {
      guard let before = pairs[step] else {
        changes.append(.added(label: b.label(step), operation: new.steps[step].operation))
        continue
      }
      let differences = Side.differences((a, before), (b, step), pairs: pairs, catalog: catalog)
      if !differences.isEmpty {
        changes.append(
          .changed(label: b.label(step), operation: new.steps[step].operation, differences: differences))
      }
    }
    for step in lost where !pairs.values.contains(step) {
      changes.append(.removed(label: a.label(step), operation: old.steps[step].operation))
    }
    self.changes = changes + Self.exports(a, b, pairs) + Self.requirements(a, b, pairs)
  }

  private static func exports(_ a: Side, _ b: Side, _ pairs: [Int: Int]) -> [Change] {
    let (old, new) = (a.exports, b.exports)
    return (new.keys.sorted() + old.keys.filter { new[$0] == nil }.sorted()).compactMap { path in
      if let before = old[path], let after = new[path], before.format == after.format,
        Side.isSame((a, before.steps), (b, after.steps), pairs)
      {
        return nil
      }
      return .export(path: path, Difference(name: "export", old: old[path]?.text, new: new[path]?.text))
    }
  }

  private static func requirements(_ a: Side, _ b: Side, _ pairs: [Int: Int]) -> [Change] {
    let (old, new) = (a.requirements(pairs: [:]), b.requirements(pairs: pairs.mapValues { a.meanings[$0] }))
    return new.filter { entry in !old.contains { $0.formula == entry.formula } }.map {
      .requirement(Difference(name: "require", old: nil, new: $0.text))
    }
      + old.filter { entry in !new.contains { $0.formula == entry.formula } }.map {
        .requirement(Difference(name: "require", old: $0.text, new: nil))
      }
  }
}

/// Numbers steps by what they mean: equal calls on equal steps have one number, whichever graph they stand in.
private struct Meanings {
  private var numbers: [Step: Int] = [:]

  mutating func number(of step: Step) -> Int {
    let number = numbers[step] ?? numbers.count
    numbers[step] = number
    return number
  }
}

/// One of the two graphs.
private struct Side {
  let graph: Graph
  /// What each step means.
  let meanings: [Int]
  let classes: Set<Int>

  init(_ graph: Graph, _ numbers: inout Meanings) {
    self.graph = graph
    var meanings: [Int] = []
    for step in graph.steps {
      let arguments = step.arguments.map { $0.mapping { StepID(meanings[$0.index]) } }
      meanings.append(numbers.number(of: Step(operation: step.operation, arguments: arguments)))
    }
    self.meanings = meanings
    classes = Set(meanings)
  }

  func label(_ step: Int) -> String { graph.origins[step].label }

  private func text(_ steps: [StepID]) -> String { steps.map { label($0.index) }.joined(separator: ", ") }

  var exports: [String: (steps: [StepID], format: String, text: String)] {
    var exports: [String: (steps: [StepID], format: String, text: String)] = [:]
    for case .export(let export) in graph.goals {
      let settings = export.format?.settings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.canonical)" }
      let format = export.format.map { " as \($0.name)(\((settings ?? []).joined(separator: ", ")))" } ?? ""
      exports[export.path] = (export.steps, format, text(export.steps) + format)
    }
    return exports
  }

  /// - Parameter pairs: What a step is to count as.
  func requirements(pairs: [Int: Int]) -> [(formula: Formula, text: String)] {
    graph.goals.compactMap { goal in
      guard case .require(let requirement) = goal else { return nil }
      return (
        requirement.formula.mapping { StepID(pairs[$0.index] ?? meanings[$0.index]) }, requirement.place.text
      )
    }
  }

  /// Whether steps of two graphs mean the same, or are the same steps, changed.
  static func isSame(_ a: (side: Side, steps: [StepID]), _ b: (side: Side, steps: [StepID]), _ pairs: [Int: Int])
    -> Bool
  {
    a.steps.count == b.steps.count
      && zip(a.steps, b.steps).allSatisfy { old, new in
        a.side.meanings[old.index] == b.side.meanings[new.index] || pairs[new.index] == old.index
      }
  }

  /// What of a step's own has changed; what only follows from a step before it is told there.
  static func differences(
    _ a: (side: Side, step: Int), _ b: (side: Side, step: Int), pairs: [Int: Int], catalog: Catalog
  ) -> [GraphDifference.Difference] {
    let (old, new) = (a.side.graph.steps[a.step], b.side.graph.steps[b.step])
    guard old.operation == new.operation, let slots = catalog[new.operation]?.signature.slots else {
      return [.init(name: "operation", old: old.operation, new: new.operation)]
    }
    return zip(slots, zip(old.arguments, new.arguments)).compactMap { slot, arguments in
      switch arguments {
      case (.steps(let before), .steps(let after)) where isSame((a.side, before), (b.side, after), pairs): return nil
      case (let before, let after)
      where before.mapping({ StepID(a.side.meanings[$0.index]) })
        == after.mapping({ StepID(pairs[$0.index].map { a.side.meanings[$0] } ?? b.side.meanings[$0.index]) }):
        return nil
      case (let before, let after):
        return .init(name: slot.name, old: a.side.text(before), new: b.side.text(after))
      }
    }
  }

  private func text(_ argument: Argument) -> String {
    switch argument {
    case .value(let value): value.canonical
    case .steps(let steps): text(steps)
    case .formula(let formula): "a formula of \(text(formula.dependencies))"
    case .function(let function): "a function of \(function.parameters.map(\.name).joined(separator: ", "))"
    }
  }
}

extension Argument {
  fileprivate func mapping(_ step: (StepID) -> StepID) -> Argument {
    switch self {
    case .value: self
    case .steps(let steps): .steps(steps.map(step))
    case .formula(let formula): .formula(formula.mapping(step))
    case .function(let function): .function(function.mapping(step))
    }
  }
}

extension Formula {
  /// The formula of other steps.
  func mapping(_ step: (StepID) -> StepID) -> Formula {
    switch self {
    case .value: self
    case .field(let id, let name): .field(step(id), name)
    case .list(let parts): .list(parts.map { $0.mapping(step) })
    case .call(let builtin, let parts): .call(builtin, parts.map { $0.mapping(step) })
    case .choose(let condition, let then, let otherwise):
      .choose(condition: condition.mapping(step), then: then.mapping(step), otherwise: otherwise.mapping(step))
    }
  }
}
