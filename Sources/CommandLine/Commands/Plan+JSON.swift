import Formats
import Plans
import Recipes
import Registry

extension Plan {
  /// The plan as data.
  func json(recipe: String) -> JSON {
    let tally = tally
    return [
      "recipe": .string(recipe), "title": .string(graph.title), "steps": .array(steps.map { $0.json(graph) }),
      "exports": .array(
        goals.compactMap { goal -> JSON? in
          guard case .export(let export) = goal else { return nil }
          return [
            "path": .string(export.path),
            "steps": .array(export.steps.map { .string(graph.origins[$0.index].label) }),
          ]
        }),
      "to_run": .integer(tally.toRun), "cached": .integer(tally.cached), "undecided": .integer(tally.undecided),
    ]
  }
}

extension PlannedStep {
  /// Its state, in one word.
  var stateName: String {
    switch state {
    case .cached: "cached"
    case .undecided: "undecided"
    case .runs(let reason): reason == .new ? "new" : "changed"
    }
  }

  fileprivate func json(_ graph: Graph) -> JSON {
    var json: JSON = ["label": .string(label), "operation": .string(step.operation), "state": .string(stateName)]
    func set(_ name: String, _ value: JSON) { json = json.setting(name, to: value) }
    switch state {
    case .cached(let run):
      set("run", .integer(run.id))
      set("artifact", .string(run.output.description))
    case .undecided(let id):
      set("after", .string(graph.origins[id.index].label))
    case .runs(let reason):
      set("reason", .string(reason.text))
      if case .changed(let changes, let run) = reason {
        set("since", .integer(run.id))
        set("changes", .array(changes.map(\.json)))
      }
    }
    if !isCached {
      set("bytes_read", .integer(bytesRead))
      set("bytes_written", .integer(bytesWritten))
      set("memory", .integer(memory))
      if let lastSeconds { set("last_seconds", .number(lastSeconds)) }
    }
    return json
  }
}

extension Reason.Change {
  fileprivate var json: JSON {
    [
      "role": .string(role.rawValue), "name": .string(name), "old": old.map(JSON.string) ?? .null,
      "new": new.map(JSON.string) ?? .null,
    ]
  }
}
