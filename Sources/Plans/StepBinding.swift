import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Recipes

/// A step with its arguments' values: ready to be checked, keyed and run.
struct StepBinding {
  let entry: Catalog.Entry
  let operation: any RecipeOperation
  /// All parameters but paths.
  let settings: [(name: String, value: Value)]
  /// The steps that fill the inputs, by slot: `models[1]`.
  let inputs: [(slot: String, step: StepID)]
  /// The content of the first of them.
  let lead: Content?
  /// What the recipe named outside the registry.
  private let paths: [String]

  /// - Parameters:
  ///   - content: An input's content, stored or foreseen.
  ///   - field: A metric that a step has reported.
  /// - Throws: `OperationError` where a formula's value does not fit its slot.
  init(
    _ step: Step, in graph: Graph, catalog: Catalog, content: (StepID) throws -> Content,
    field: (StepID, String) throws -> Value
  ) throws {
    guard let entry = catalog[step.operation] else {
      preconditionFailure("the checked recipe asks for `\(step.operation)`, which is not in the catalog")
    }
    var bindings: [String: Binding] = [:]
    var settings: [(name: String, value: Value)] = []
    var inputs: [(slot: String, step: StepID)] = []
    var paths: [String] = []
    var lead: Content?
    for (slot, argument) in zip(entry.signature.slots, step.arguments) {
      switch argument {
      case .steps(let steps):
        if steps.isEmpty, slot.defaultValue != nil { continue }
        let named = StepBinding.named(steps, slot: slot)
        inputs += named
        bindings[slot.name] = .contents(
          try named.map { name, step in
            var content = try content(step)
            content.label = name
            lead = lead ?? content
            return content
          })
      case .value(let value):
        bindings[slot.name] = .value(value)
        if slot.type.isPath { paths += value.texts } else { settings.append((slot.name, value)) }
      case .formula(let formula):
        let value = try formula.value(fields: field)
        if let complaint = slot.complaint(about: value, of: entry.signature.name) {
          throw OperationError("\(complaint.message): \(complaint.label)", helps: complaint.helps)
        }
        bindings[slot.name] = .value(value)
        settings.append((slot.name, value))
      case .function(let function):
        let read = function.dependencies.enumerated().map { ("\(slot.name)[\($0.offset)]", $0.element) }
        inputs += read
        let calls = FunctionCalls(
          function, in: graph, catalog: catalog,
          contents: Dictionary(uniqueKeysWithValues: try function.dependencies.map { ($0, try content($0)) }))
        bindings[slot.name] = .function(calls.callable)
        let names = Dictionary(uniqueKeysWithValues: read.map { ($0.1, $0.0) })
        settings.append((slot.name, .text(function.text(in: graph, catalog: catalog, names: names))))
      }
    }
    self.entry = entry
    self.settings = settings
    self.inputs = inputs
    self.lead = lead
    self.paths = paths
    operation = try entry.operation.init(binding: bindings)
  }

  /// The files that the operation reads from outside, each with the name that enters the key.
  func sources() throws -> [(name: String, path: String)] {
    try operation.sources().map { path in (keyName(of: path), path) }
  }

  /// Within a folder the path from that folder, for a file only what kind of file it is: where it lies decides nothing.
  private func keyName(of path: String) -> String {
    for root in paths where path.hasPrefix(root + "/") { return String(path.dropFirst(root.count + 1)) }
    return "file." + URL(fileURLWithPath: path).pathExtension
  }

  private static func named(_ steps: [StepID], slot: Slot) -> [(slot: String, step: StepID)] {
    if case .list = slot.type { return steps.enumerated().map { ("\(slot.name)[\($0.offset)]", $0.element) } }
    return steps.map { (slot.name, $0) }
  }
}

extension Value {
  fileprivate var texts: [String] {
    leaves.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }
}

extension Content {
  /// A metric as a value of the language.
  func field(_ name: String) -> Value? { facts[name].flatMap(Value.init(metric:)) }
}

extension Value {
  fileprivate init?(metric json: JSON) {
    switch json {
    case .integer, .number: self = json.number.map(Value.number) ?? .none
    case .bool(let flag): self = .flag(flag)
    case .string(let text): self = .text(text)
    case .array(let values):
      let parts = values.compactMap(Value.init(metric:))
      guard parts.count == values.count else { return nil }
      self = .list(parts)
    case .null, .object: return nil
    }
  }
}
