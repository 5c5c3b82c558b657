import Diagnostics
import Operations

extension Elaborator {
  /// A function that an operation is given by its name; nil after a mistake, which is reported.
  mutating func passed(
    _ expression: Expression, to slot: Slot, _ shape: FunctionShape, of operation: String, _ here: Surroundings
  ) -> PassedFunction? {
    guard let function = named(expression, here) else {
      let given = typed(expression, here)
      let target = Target(slot, of: operation)
      if given.type != .unknown {
        report(.itemUnfit(given.type, for: target.what, wanted: slot.type, gives: false, at: given.place))
      }
      return nil
    }
    guard checkFits(function, shape, Target(slot, of: operation).what, at: expression.place) else { return nil }
    let name = function.syntax.name.text
    var inside = Surroundings(
      file: function.file, visible: function.visible, label: here.label + ".\(slot.name)")
    let parameters = function.parameters.map { parameter in
      let step = add(.parameter(parameter.name, of: name, in: function.file), at: expression.place)
      let isArtifact = if case .artifact = parameter.type { true } else { false }
      inside = inside.with(
        parameter.name,
        Typed(
          type: Type(parameter.type, anyFieldOf: catalog), item: isArtifact ? .step(step) : .formula(.parameter(step)),
          place: expression.place))
      return PassedFunction.Parameter(
        name: parameter.name, type: parameter.type, range: parameter.range, step: step)
    }
    let target = Target(what: "`\(name)`", type: function.result, range: nil, gives: true)
    guard let item = fit(typed(function.syntax.body, inside), target) else { return nil }
    let result: PassedFunction.Result
    if case .step(let step) = item {
      result = .step(step)
    } else if let formula = item.formula {
      result = .formula(formula)
    } else {
      return nil
    }
    let passed = PassedFunction(parameters: parameters, result: result, in: steps)
    for step in passed.steps {
      guard let mistake = mistake(in: steps[step.index], of: name, at: origins[step.index].place) else { continue }
      report(mistake)
      return nil
    }
    return passed
  }

  /// The function that an expression names.
  private mutating func named(_ expression: Expression, _ here: Surroundings) -> Function? {
    switch expression.kind {
    case .name(let name):
      guard here.locals[name] == nil,
        case .function(let function)? = files[here.file].meaning(of: name, visible: here.visible)
      else { return nil }
      return function
    case .field(let base, let name):
      guard case .name(let library) = base.kind,
        case .library(let file)? = files[here.file].meaning(of: library, visible: here.visible),
        case .function(let function)? = files[file].meaning(of: name.text, visible: .max)
      else { return nil }
      return function
    default: return nil
    }
  }

  private mutating func checkFits(
    _ function: Function, _ shape: FunctionShape, _ what: String, at place: Place
  ) -> Bool {
    let name = function.syntax.name
    guard Self.takes(function, shape.parameters), Self.gives(function, shape.result) else {
      report(.functionUnfit(name.text, declared: name.place, for: what, wanted: shape, at: place))
      return false
    }
    if shape.parameters == .numbers {
      for parameter in function.parameters where parameter.range?.lower == nil || parameter.range?.upper == nil {
        report(.functionNeedsRange(parameter.name, of: name.text, declared: name.place, at: place))
        return false
      }
    }
    return true
  }

  private static func takes(_ function: Function, _ parameters: FunctionShape.Parameters) -> Bool {
    switch parameters {
    case .artifact(let kind): return function.parameters.map(\.type) == [.artifact(kind)]
    case .numbers:
      return !function.parameters.isEmpty
        && function.parameters.allSatisfy { parameter in
          switch parameter.type {
          case .number, .fraction, .count: true
          default: false
          }
        }
    }
  }

  private static func gives(_ function: Function, _ result: ValueType) -> Bool {
    function.result == result || result == .number && Type(function.result).isNumeric
  }

  /// What a step that is made for each call must not do.
  private func mistake(in step: Step, of function: String, at place: Place) -> Diagnostic? {
    guard let signature = catalog[step.operation]?.signature else { return nil }
    for (slot, argument) in zip(signature.slots, step.arguments) {
      if slot.type.isPath, argument != .value(.none) { return .functionReadsFiles(function, step.operation, at: place) }
      if case .function = argument { return .functionSearches(function, step.operation, at: place) }
    }
    return nil
  }
}
