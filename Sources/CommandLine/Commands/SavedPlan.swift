import Diagnostics
import Formats
import Operations
import Plans
import Recipes
import Registry

/// A plan as `plan --save` wrote it: what `apply` is to do, and what has to be as it was for that to be the same.
struct SavedPlan {
  /// As the command line names its file.
  let name: String
  /// The command line that it was made from: recipe, settings, targets, folder of exports.
  let arguments: Arguments
  private let steps: [Step]
  private let goals: [JSON]

  /// What is known beforehand of a step.
  fileprivate struct Step {
    let label: String
    let isCached: Bool
    let components: [Run.Component]
  }

  /// What the file calls its own form.
  private static let format = "mergekit-plan/1"

  // MARK: Writing

  /// - Parameters:
  ///   - recipe: The recipe as it was found.
  ///   - arguments: Of the command that made the plan.
  static func json(of plan: Plan, recipe: String, _ arguments: Arguments) -> JSON {
    let settings = arguments.settings.map { setting -> JSON in
      ["flag": .string(setting.flag), "name": .string(setting.name), "value": .string(setting.value)]
    }
    let steps = plan.steps.map { step -> JSON in
      [
        "label": .string(step.label), "cached": .bool(step.isCached),
        "components": .array(
          step.components.map { [.string($0.role.rawValue), .string($0.name), .string($0.value)] }),
      ]
    }
    return [
      "format": .string(format), "mergekit": .string(Version.current), "recipe": .string(recipe),
      "settings": .array(settings), "targets": .array(arguments.all(Options.target).map(JSON.string)),
      "out": arguments[Options.out].map(JSON.string) ?? .null, "goals": .array(goals(of: plan)),
      "steps": .array(steps),
    ]
  }

  /// What is exported and required, and how.
  private static func goals(of plan: Plan) -> [JSON] {
    plan.goals.map { goal in
      switch goal {
      case .export(let export):
        [
          "export": .string(export.path), "format": export.format.map { .string(text(of: $0)) } ?? .null,
          "steps": .array(export.steps.map { .string(plan.graph.origins[$0.index].label) }),
        ]
      case .require(let requirement): ["require": .string(requirement.place.text)]
      }
    }
  }

  private static func text(of format: (name: String, settings: [String: Value])) -> String {
    let settings = format.settings.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.canonical)" }
    return "\(format.name)(\(settings.joined(separator: ", ")))"
  }

  // MARK: Reading

  /// - Parameters:
  ///   - name: The file, as the command line names it.
  ///   - arguments: What the command line says besides.
  /// - Throws: `OperationError` where it is no plan of this form, `UsageError` where something is said that a plan says.
  init(_ json: JSON, name: String, over arguments: Arguments) throws {
    guard json["format"]?.string == Self.format, let recipe = json["recipe"]?.string,
      let steps = json["steps"]?.array?.map(Step.init), !steps.contains(where: { $0 == nil })
    else {
      throw OperationError(
        .data, "`\(name)` is no plan of this version of mergekit",
        helps: ["`mergekit plan RECIPE --save \(name)` writes one"])
    }
    let taken = arguments.settings.map(\.flag) + [Options.target, Options.out].filter(arguments.has).map(\.flag)
    guard taken.isEmpty else {
      throw UsageError(
        Diagnostic(
          "`\(name)` is a plan, which has its settings: \(taken.map { "`\($0)`" }.joined(separator: ", ")) cannot be added",
          at: nil, helps: ["`mergekit apply \(recipe)` takes settings"]))
    }
    self.name = name
    self.steps = steps.compactMap { $0 }
    goals = json["goals"]?.array ?? []
    var planned = arguments
    planned.operands = [recipe]
    planned.settings = (json["settings"]?.array ?? []).compactMap { setting in
      guard let flag = setting["flag"]?.string, let name = setting["name"]?.string, let value = setting["value"]?.string
      else { return nil }
      return .init(name: name, value: value, flag: flag)
    }
    planned.values[Options.target.name] = json["targets"]?.array?.compactMap(\.string)
    planned.values[Options.out.name] = json["out"]?.string.map { [$0] }
    self.arguments = planned
  }

  // MARK: Checking

  /// Refuses a plan that would now come to something else.
  /// - Throws: `OperationError` that names what has changed.
  func check(_ plan: Plan) throws {
    let before = Dictionary(steps.map { ($0.label, $0) }) { first, _ in first }
    let after = Set(plan.steps.map(\.label))
    var changes = plan.steps.compactMap { step -> String? in
      guard let planned = before[step.label] else { return "`\(step.label)` is a step more" }
      if let change = planned.change(to: step.components) { return "`\(step.label)`: \(change)" }
      return planned.isCached && !step.isCached ? "`\(step.label)` was there, and is no longer" : nil
    }
    changes += steps.filter { !after.contains($0.label) }.map { "`\($0.label)` is a step no longer" }
    if changes.isEmpty, Self.goals(of: plan) != goals { changes = ["it would export or require something else"] }
    guard !changes.isEmpty else { return }
    let more = changes.count > 5 ? ["and \(changes.count - 5) more"] : []
    throw OperationError(
      .data, "`\(name)` no longer fits: what it was made from has changed", notes: changes.prefix(5) + more,
      helps: ["plan anew with `--save \(name)`, and look at it again"])
  }
}

extension SavedPlan.Step {
  fileprivate init?(_ json: JSON) {
    guard let label = json["label"]?.string, case .bool(let isCached)? = json["cached"],
      let components = json["components"]?.array?.map(Run.Component.init), !components.contains(where: { $0 == nil })
    else { return nil }
    self.init(label: label, isCached: isCached, components: components.compactMap { $0 })
  }

  /// The first thing that now decides the step in another way, as a clause. An input that one of the two plans could not know, for
  /// it was yet to be made, is no change.
  fileprivate func change(to components: [Run.Component]) -> String? {
    KeyComparison(old: self.components, new: components).changes.first { change in
      change.old != nil && change.new != nil || ![.input, .source].contains(change.role)
    }?.text
  }
}

extension Run.Component {
  fileprivate init?(_ json: JSON) {
    guard let texts = json.array?.compactMap(\.string), texts.count == 3, let role = Role(rawValue: texts[0]) else {
      return nil
    }
    self.init(role, texts[1], texts[2])
  }
}

extension Invocation {
  /// The plan that the command names instead of a recipe; nil where it names a recipe.
  func savedPlan() throws -> SavedPlan? {
    let name = arguments.operand
    guard name.hasSuffix(".json") else { return nil }
    guard let found = PathSearch.existing(name, from: directory) else {
      throw OperationError(
        .missing, "there is no plan `\(name)`", helps: ["`mergekit plan RECIPE --save \(name)` writes one"])
    }
    let bytes = try File.contents(of: absolute(found), limit: 256 << 20)
    return try SavedPlan((try? JSON(parsing: bytes)) ?? .null, name: name, over: arguments)
  }

  /// The same command, told other things.
  func with(_ arguments: Arguments) throws -> Invocation { try Invocation(arguments, program: program) }
}
