import Operations

/// A function of the recipe that a step is given: each call makes its steps anew.
///
/// Its body stands in the graph like everything else. What a call is given stands there too, as steps that are never planned
/// (`Step.isParameter`); all that depends on one of them belongs to the function, the rest runs once, before it is called.
public struct PassedFunction: Sendable, Hashable {
  public struct Parameter: Sendable, Hashable {
    public let name: String
    public let type: ValueType
    public let range: NumberRange?
    /// The step that stands for it.
    public let step: StepID
  }

  public enum Result: Sendable, Hashable {
    case step(StepID)
    case formula(Formula)
  }

  public let parameters: [Parameter]
  public let result: Result
  /// The steps that a call makes, in order.
  public let steps: [StepID]
  /// The steps that it reads from outside itself, in order.
  public let dependencies: [StepID]

  /// - Parameter graph: All steps so far.
  init(parameters: [Parameter], result: Result, in graph: [Step]) {
    self.parameters = parameters
    self.result = result
    let last: [StepID] =
      switch result {
      case .step(let step): [step]
      case .formula(let formula): formula.dependencies
      }
    let own = Set(parameters.map(\.step))
    var inside = own
    for (index, step) in graph.enumerated() where step.dependencies.contains(where: inside.contains) {
      inside.insert(StepID(index))
    }
    var needed = Set(last)
    for step in inside.sorted().reversed() where needed.contains(step) {
      needed.formUnion(graph[step.index].dependencies)
    }
    steps = inside.intersection(needed).subtracting(own).sorted()
    let read = Set(steps.flatMap { graph[$0.index].dependencies }).union(last)
    dependencies = read.subtracting(inside).sorted()
  }

  /// The function, its steps called otherwise.
  func mapping(_ step: (StepID) -> StepID) -> PassedFunction {
    PassedFunction(
      parameters: parameters.map { .init(name: $0.name, type: $0.type, range: $0.range, step: step($0.step)) },
      result: result.mapping(step), steps: steps.map(step), dependencies: dependencies.map(step))
  }

  private init(parameters: [Parameter], result: Result, steps: [StepID], dependencies: [StepID]) {
    self.parameters = parameters
    self.result = result
    self.steps = steps
    self.dependencies = dependencies
  }

  /// The numbers that it takes, as metrics of an operation that searches them.
  var fields: [Field] {
    parameters.compactMap { parameter in
      if case .artifact = parameter.type { return nil }
      return Field(parameter.name, "The best `\(parameter.name)`.", type: parameter.type)
    }
  }
}

extension PassedFunction.Result {
  fileprivate func mapping(_ step: (StepID) -> StepID) -> Self {
    switch self {
    case .step(let id): .step(step(id))
    case .formula(let formula): .formula(formula.mapping(step))
    }
  }
}

extension Step {
  /// What stands for a parameter of a function: it is named by the file, the function and itself.
  static func parameter(_ name: String, of function: String, in file: Int) -> Step {
    Step(operation: "", arguments: [.value(.number(Double(file))), .value(.text(function)), .value(.text(name))])
  }

  /// Whether it stands for a parameter of a function, which only a call gives.
  public var isParameter: Bool { operation.isEmpty }
}

extension Formula {
  /// The number that a call gives for a parameter.
  static func parameter(_ step: StepID) -> Formula { .field(step, "") }
}
