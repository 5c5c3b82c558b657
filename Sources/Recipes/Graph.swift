import Diagnostics
import Operations

/// The steps that a recipe asks for, each once, and what is wanted of them.
///
/// A step stands after all that it refers to.
public struct Graph: Sendable {
  /// The recipe's title, from its `recipe` line.
  public let title: String
  public let steps: [Step]
  /// Where each step comes from, in the order of `steps`.
  public let origins: [StepOrigin]
  /// What the recipe exports and requires, in its own order.
  public let goals: [Goal]

  public init(title: String, steps: [Step], origins: [StepOrigin], goals: [Goal]) {
    self.title = title
    self.steps = steps
    self.origins = origins
    self.goals = goals
  }

  public subscript(id: StepID) -> Step { steps[id.index] }
}

/// A step's place in its graph.
public struct StepID: Sendable, Hashable, Comparable {
  public let index: Int

  public init(_ index: Int) { self.index = index }

  public static func < (a: StepID, b: StepID) -> Bool { a.index < b.index }
}

/// One call of an operation: a value, so that equal calls are one step.
public struct Step: Sendable, Hashable {
  public let operation: String
  /// One for each slot, in the signature's order; parameters that the recipe leaves out have their defaults, inputs that it
  /// leaves out have no steps.
  public let arguments: [Argument]

  public init(operation: String, arguments: [Argument]) {
    self.operation = operation
    self.arguments = arguments
  }

  /// The kind of what it makes.
  public func output(_ signature: Signature) -> ArtifactKind {
    let given = zip(signature.slots, arguments).filter { slot, argument in
      if case .steps(let steps) = argument { slot.role == .input && !steps.isEmpty } else { false }
    }
    return signature.output(given: given.map(\.0.name))
  }

  /// The steps it reads, in the order of its arguments.
  public var dependencies: [StepID] {
    arguments.flatMap { argument -> [StepID] in
      switch argument {
      case .value: []
      case .steps(let steps): steps
      case .formula(let formula): formula.dependencies
      case .function(let function): function.dependencies
      }
    }
  }
}

/// What a slot of a step is given.
public enum Argument: Sendable, Hashable {
  case value(Value)
  case steps([StepID])
  /// A setting that is known only once other steps have run.
  case formula(Formula)
  case function(PassedFunction)
}

/// Where a step comes from in the recipe; no part of its value, so no part of its key.
public struct StepOrigin: Sendable, Hashable {
  /// What the recipe calls it: `merged`, `fishers[1]`, or, for a call inside another, `merged.models[1]`.
  public let label: String
  /// The call.
  public let place: Place
  /// Where each argument that the recipe gives stands, by slot.
  public let arguments: [String: Place]
  /// Where each pattern of a `match tensor` stands.
  public let patterns: [Pattern: Place]

  public init(label: String, place: Place, arguments: [String: Place], patterns: [Pattern: Place]) {
    self.label = label
    self.place = place
    self.arguments = arguments
    self.patterns = patterns
  }
}

/// Something that a recipe wants: only what these need is planned.
public enum Goal: Sendable {
  case export(Export)
  case require(Requirement)
}

/// `export merged to "out" as safetensors(shard: 2 GiB)`.
public struct Export: Sendable {
  public let steps: [StepID]
  /// Whether a list is exported, even one of a single artifact.
  public let isList: Bool
  /// As the recipe writes it: seen from the working directory, or from `--out`.
  public let path: String
  /// The format and its settings by name; the kind's own where the recipe says none.
  public let format: (name: String, settings: [String: Value])?
  public let place: Place

  public init(
    steps: [StepID], isList: Bool, path: String, format: (name: String, settings: [String: Value])?, place: Place
  ) {
    self.steps = steps
    self.isList = isList
    self.path = path
    self.format = format
    self.place = place
  }
}

/// `require after.accuracy >= before.accuracy else "…"`.
public struct Requirement: Sendable {
  /// Gives a flag.
  public let formula: Formula
  public let message: String?
  /// The condition.
  public let place: Place

  public init(formula: Formula, message: String?, place: Place) {
    self.formula = formula
    self.message = message
    self.place = place
  }
}
