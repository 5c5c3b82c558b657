import Diagnostics
import Formats
import Foundation
import Registry

extension Run {
  /// Everything that decided the run, and what came of it.
  func lines(_ style: Style) -> [String] {
    var table = Table()
    table.add(.init("made", .faint), .init("\(output)"))
    table.add(.init("called", .faint), .init("\(Renderer.printable(label)), in \(Renderer.printable(recipe))"))
    table.add(.init("started", .faint), .init("\(Measure.minute(started)), took \(Measure.duration(seconds))"))
    table.add(.init("key", .faint), .init("\(key)"))
    if let curve, let first = curve.points.first, let last = curve.points.last {
      let drawn = Sparkline(curve.points.map(\.y)).text(width: 40)
      let ends = [first.y, drawn.isEmpty ? nil : last.y].compactMap { $0.map(Measure.figure) }
      let text = [ends.first, drawn, ends.dropFirst().first].compactMap { $0 }.filter { !$0.isEmpty }
      table.add(
        .init(Renderer.printable(curve.name), .faint),
        .init("\(text.joined(separator: " ")), over \(Measure.grouped(Int(last.x))) \(Renderer.printable(curve.unit))"))
    }
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      table.add(.init(Renderer.printable(name), .faint), .init(Renderer.printable(value)))
    }
    var decided = Table()
    for component in components where component.role != .operation && component.role != .version {
      decided.add(
        .init(component.role.rawValue, .faint), .init(Renderer.printable(component.name)),
        .init(Renderer.printable(component.value)))
    }
    return ["\(style("run \(id)", .bold)) of \(operation), version \(version)"] + table.lines(style)
      + ["", style("What decided it", .bold)] + decided.lines(style)
  }

  var json: JSON {
    [
      "run": .integer(id), "label": .string(label), "recipe": .string(recipe), "operation": .string(operation),
      "version": .integer(version), "key": .string(key.description), "output": .string(output.description),
      "started": .string(started.ISO8601Format()), "seconds": .number(seconds),
      "components": .array(
        components.map {
          ["role": .string($0.role.rawValue), "name": .string($0.name), "value": .string($0.value)]
        }),
      "inputs": .array(
        inputs.map { ["slot": .string($0.slot), "artifact": .string($0.artifact.description)] }),
      "environment": .object(environment.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }),
      "curve": curve?.json ?? .null,
    ]
  }
}

extension Apply {
  func json(_ registry: Registry) throws -> JSON {
    let steps = try self.steps.map { step -> JSON in
      let run = try registry.run(id: step.run)
      return [
        "label": .string(step.label), "run": .integer(step.run), "reused": .bool(step.reused),
        "operation": run.map { .string($0.operation) } ?? .null,
        "artifact": run.map { .string($0.output.description) } ?? .null,
        "inputs": .array((run?.inputs ?? []).map { .string($0.artifact.description) }),
      ]
    }
    return [
      "apply": .integer(id), "recipe": .string(recipe), "status": .string(outcome), "message": .string(message),
      "started": .string(started.ISO8601Format()),
      "seconds": finished.map { .number($0.timeIntervalSince(started)) } ?? .null, "steps": .array(steps),
    ]
  }
}
