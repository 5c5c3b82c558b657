import Formats
import Operations

extension Signature {
  /// The whole declaration as data.
  var json: JSON {
    [
      "name": .string(name), "summary": .string(about.summary), "version": .integer(version),
      "discussion": .string(about.discussion),
      "inputs": .array(inputs.map(\.json)), "parameters": .array(parameters.map(\.json)),
      "output": .string(output.name),
      "metrics": .array(
        fields.map { ["name": .string($0.name), "type": .string($0.type.name), "text": .string($0.text)] }),
      "examples": .array(
        about.examples.map { ["title": .string($0.title), "expression": .string($0.expression)] }),
      "cost": .string(about.cost),
      "papers": .array(
        about.papers.map { ["title": .string($0.title), "arxiv": $0.arXiv.map(JSON.string) ?? .null] }),
    ]
  }
}

extension Slot {
  fileprivate var json: JSON {
    var json: JSON = [
      "name": .string(name), "type": .string(type.name), "text": .string(text), "required": .bool(isRequired),
    ]
    if let defaultText, role == .parameter { json = json.setting("default", to: .string(defaultText)) }
    if let range {
      json = json.setting(
        "range", to: ["from": number(range.lower), "to": number(range.upper), "open": .bool(range.excludesUpper)])
    }
    if minimumCount > 0, role == .input { json = json.setting("minimum_count", to: .integer(minimumCount)) }
    if !choiceTexts.isEmpty {
      let choices = choiceTexts.map { JSON.object([.init("name", .string($0.name)), .init("text", .string($0.text))]) }
      json = json.setting("choices", to: .array(choices))
    }
    if type.isLayered { json = json.setting("layered", to: true) }
    return json
  }

  private func number(_ bound: Double?) -> JSON { bound.map(JSON.number) ?? .null }
}
