import Diagnostics
import Operations
import Recipes

/// Makes the steps of a function of the recipe, once for each call.
///
/// Nothing of it is stored: what the steps make is computed when it is asked for, and only the result of the operation that
/// calls goes into the registry.
struct FunctionCalls: Sendable {
  private let function: PassedFunction
  private let graph: Graph
  private let catalog: Catalog
  /// What the function reads from outside itself, stored or foreseen.
  private let contents: [StepID: Content]

  init(_ function: PassedFunction, in graph: Graph, catalog: Catalog, contents: [StepID: Content]) {
    self.function = function
    self.graph = graph
    self.catalog = catalog
    self.contents = contents
  }

  var callable: RecipeFunction {
    RecipeFunction(parameters: function.parameters.compactMap(\.searched)) { terms, context in
      try call(terms, context)
    }
  }

  // MARK: One call

  /// - Parameter context: None to look only at headers; then nil is given where only running tells.
  private func call(_ terms: [RecipeFunction.Term], _ context: Context?) throws -> RecipeFunction.Term? {
    var made = contents
    var numbers: [StepID: Double] = [:]
    for (parameter, term) in zip(function.parameters, terms) {
      switch term {
      case .number(let number): numbers[parameter.step] = number
      case .artifact(let content): made[parameter.step] = content
      }
    }
    for step in function.steps {
      do {
        guard let content = try content(of: step, made, numbers, context) else { return nil }
        made[step] = content
      } catch let error as OperationError where error.cause != .interrupted {
        var error = error
        error.notes.append("it came up in `\(graph.origins[step.index].label)`\(text(of: numbers))")
        throw error
      }
    }
    switch function.result {
    case .step(let step): return made[step].map { .artifact($0) }
    case .formula(let formula):
      // What a step will report is known only once it has run.
      guard context != nil || formula.dependencies.allSatisfy({ numbers[$0] != nil }) else { return nil }
      guard case .number(let number) = try formula.value(fields: fields(made, numbers)) else {
        preconditionFailure("the recipe's check let a function through that gives no number")
      }
      return .number(number)
    }
  }

  /// What a step makes; without a context what that will look like.
  private func content(
    of id: StepID, _ made: [StepID: Content], _ numbers: [StepID: Double], _ context: Context?
  ) throws -> Content? {
    let step = graph[id]
    let isForeseeable = step.arguments.allSatisfy { argument in
      guard case .formula(let formula) = argument else { return true }
      return formula.dependencies.allSatisfy { numbers[$0] != nil || contents[$0]?.facts.object?.isEmpty == false }
    }
    guard context != nil || isForeseeable else { return nil }
    let binding = try StepBinding(
      step, in: graph, catalog: catalog, content: { try made.content($0) }, field: fields(made, numbers))
    guard let context else {
      try graph.origins[id.index].check(step, on: binding.lead)
      return try binding.operation.outline()
    }
    try context.checkCancelled()
    return try binding.operation.run(context.silent).content
  }

  private func fields(
    _ made: [StepID: Content], _ numbers: [StepID: Double]
  ) -> (StepID, String) throws -> Value {
    return { step, name in
      if let number = numbers[step] { return .number(number) }
      return try made.content(step).field(name) ?? .none
    }
  }

  /// ` with math = 0.5 and code = 1`
  private func text(of numbers: [StepID: Double]) -> String {
    let given = function.parameters.compactMap { parameter in
      numbers[parameter.step].map { "\(parameter.name) = \(Value.number($0).canonical)" }
    }
    return given.isEmpty ? "" : " with " + given.joined(separator: ", ")
  }
}

extension [StepID: Content] {
  fileprivate func content(_ step: StepID) throws -> Content {
    guard let content = self[step] else { preconditionFailure("a function's step was made before what it reads") }
    return content
  }
}

extension PassedFunction.Parameter {
  /// As what searches it sees it; nil for an artifact.
  fileprivate var searched: RecipeFunction.Parameter? {
    guard let lower = range?.lower, let upper = range?.upper else { return nil }
    let isWhole = if case .count = type { true } else { false }
    return RecipeFunction.Parameter(name, isWhole: isWhole, in: lower...max(lower, upper))
  }
}

extension PassedFunction {
  /// What the function does, as the key of the step that calls it has it: all that can change its results, and no more.
  ///
  /// - Parameter names: What the steps that it reads are called.
  func text(in graph: Graph, catalog: Catalog, names: [StepID: String]) -> String {
    var texts = names
    for parameter in parameters { texts[parameter.step] = parameter.name }
    for id in steps { texts[id] = text(of: graph[id], catalog, texts) }
    let head = parameters.map { parameter in
      let ends = [parameter.range?.lower, parameter.range?.upper].compactMap { $0.map { Value.number($0).canonical } }
      return "\(parameter.name): \(parameter.type.name)" + (ends.isEmpty ? "" : " in \(ends.joined(separator: "..."))")
    }
    let body =
      switch result {
      case .step(let step): texts[step] ?? ""
      case .formula(let formula): text(of: formula, texts)
      }
    return "fn(\(head.joined(separator: ", "))) = \(body)"
  }

  private func text(of step: Step, _ catalog: Catalog, _ texts: [StepID: String]) -> String {
    guard let signature = catalog[step.operation]?.signature else {
      preconditionFailure("a function asks for `\(step.operation)`, which is not in the catalog")
    }
    let arguments = zip(signature.slots, step.arguments).map { slot, argument in
      let text =
        switch argument {
        case .value(let value): value.canonical
        case .steps(let steps): "[" + steps.map { texts[$0] ?? "" }.joined(separator: ", ") + "]"
        case .formula(let formula): self.text(of: formula, texts)
        case .function: preconditionFailure("a function is given no function")
        }
      return "\(slot.name): \(text)"
    }
    return "\(signature.name)/\(signature.version)(\(arguments.joined(separator: ", ")))"
  }

  private func text(of formula: Formula, _ texts: [StepID: String]) -> String {
    switch formula {
    case .value(let value): value.canonical
    case .field(let step, let name): (texts[step] ?? "") + (name.isEmpty ? "" : ".\(name)")
    case .list(let parts): "[" + parts.map { text(of: $0, texts) }.joined(separator: ", ") + "]"
    case .call(let builtin, let parts):
      "\(builtin.rawValue)(" + parts.map { text(of: $0, texts) }.joined(separator: ", ") + ")"
    case .choose(let condition, let then, let otherwise):
      "if \(text(of: condition, texts)) then \(text(of: then, texts)) else \(text(of: otherwise, texts))"
    }
  }
}
