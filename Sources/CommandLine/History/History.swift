import Diagnostics
import Fingerprints
import Foundation
import Registry

/// What was applied, as lines: each apply with the steps it ran, newest first, and what they were made from.
struct History {
  let registry: Registry
  let style: Style
  /// Columns of the terminal that shows it; none where nobody breaks its lines.
  var columns: Int?

  // MARK: Applies

  func lines(_ applies: [Apply]) throws -> [String] {
    var lines: [String] = []
    for apply in applies {
      if !lines.isEmpty { lines.append("") }
      lines += try self.lines(apply)
    }
    return lines
  }

  private func lines(_ apply: Apply) throws -> [String] {
    let status: (String, Style.Ink) =
      switch apply.outcome {
      case "ok": ("ok", .green)
      case "running": ("running", .cyan)
      case let other: (other, .red)
      }
    let ran = apply.steps.filter { !$0.reused }.count
    let duration = apply.finished.map { ", " + Measure.duration($0.timeIntervalSince(apply.started)) } ?? ""
    let head =
      "\(style("apply \(apply.id)", .bold))  \(style(status.0, status.1))  \(Measure.minute(apply.started))\(duration)  "
      + "\(Renderer.printable(apply.recipe))  \(ran) ran, \(apply.steps.count - ran) there already"
    let message = apply.message.isEmpty ? [] : ["  " + style(Renderer.printable(apply.message), .red)]
    return [head] + message + (try graph(of: apply)).map { "  " + $0 }
  }

  private func graph(of apply: Apply) throws -> [String] {
    let runs = try registry.outlines(of: apply)
    let steps = apply.steps.compactMap { step in runs[step.run].map { (step, $0) } }
    var labels: [Digest: String] = [:]
    for (step, run) in steps where labels[run.output] == nil { labels[run.output] = step.label }
    let ran = steps.filter { !$0.0.reused }.map { (label: $0.0.label, run: $0.1) }.reversed()
    return draw(Array(ran)) { labels[$0] }
  }

  // MARK: Lineage

  /// Artifacts and all that they were made from, newest first, under the names that the last apply of them used.
  func lineage(of artifacts: [Digest]) throws -> [(label: String, run: Run)] {
    var found: [Int: Run] = [:]
    var waiting = artifacts
    var seen: Set<Digest> = []
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted, let run = try registry.maker(of: next) else { continue }
      found[run.id] = run
      waiting += run.inputs.map(\.artifact)
    }
    let labels = try labels(of: artifacts)
    // What a run read was made by a run before it, so its number is smaller.
    return found.values.sorted { $0.id > $1.id }.map { (labels[$0.output] ?? $0.label, $0) }
  }

  /// What the newest apply that gave some artifacts calls all that it gave: a result may have had another name in the recipe that
  /// made it first.
  func labels(of artifacts: [Digest]) throws -> [Digest: String] {
    guard let run = try artifacts.first.flatMap({ try registry.runs(producing: $0).last }),
      let apply = try registry.applies(with: run.id).last
    else { return [:] }
    let runs = try registry.outlines(of: apply)
    var labels: [Digest: String] = [:]
    for step in apply.steps {
      if let run = runs[step.run], labels[run.output] == nil { labels[run.output] = step.label }
    }
    return labels
  }

  func lines(_ runs: [(label: String, run: Run)]) -> [String] {
    let labels = Dictionary(runs.map { ($0.run.output, $0.label) }) { first, _ in first }
    return draw(runs.map { ($0.label, RunOutline($0.run)) }) { labels[$0] }
  }

  // MARK: Tables

  /// A line for each step of some applies.
  func table(_ applies: [Apply]) throws -> [String] {
    var table = Table()
    for apply in applies {
      let runs = try registry.outlines(of: apply)
      for step in apply.steps {
        guard let run = runs[step.run] else { continue }
        table.rows.append(
          [.init("apply \(apply.id)", .faint), .init(apply.outcome, apply.status == .ok ? .green : .red)]
            + cells(step.label, run) + [.init(step.reused ? "there already" : "ran", .faint)])
      }
    }
    return table.lines(style, indent: 0)
  }

  /// A line for each run.
  func table(_ runs: [(label: String, run: Run)]) -> [String] {
    var table = Table()
    table.rows = runs.map { cells($0.label, RunOutline($0.run)) }
    return table.lines(style, indent: 0)
  }

  private func cells(_ label: String, _ run: RunOutline) -> [Table.Cell] {
    [
      .init(Renderer.printable(label), .bold), .init(run.operation), .init(run.output.short, .yellow),
      .init("run \(run.id)", .faint), .init(Measure.minute(run.started), .faint),
      .init(Measure.duration(run.seconds), .faint, isNumber: true),
    ]
  }

  // MARK: Drawing

  private func draw(_ unordered: [(label: String, run: RunOutline)], labelOf: (Digest) -> String?) -> [String] {
    let parents = parents(of: unordered)
    if let lines = folded(unordered, parents: parents, labelOf: labelOf) { return lines }
    let runs = LineageGraph.order(parents).map { unordered[$0] }
    var table = Table()
    for (label, run) in runs {
      table.add(
        .init(Renderer.printable(label), .bold), .init(run.operation), .init(run.output.short, .yellow),
        .init(Measure.duration(run.seconds), .faint, isNumber: true), .init(origin(of: run, labelOf), .faint))
    }
    let ordered = self.parents(of: runs)
    let texts = table.lines(style, indent: 0, width: room(beside: ordered))
    return LineageGraph.lines(zip(ordered, texts).map { LineageGraph.Node(parents: $0, text: $1) })
  }

  /// Columns for the texts beside a graph; none where nobody breaks lines.
  func room(beside parents: [[Int]]) -> Int? { columns.map { $0 - LineageGraph.width(parents) - Self.margin } }

  /// What stands before a graph.
  private static let margin = 2

  /// For each run the runs that made what it read, by index. A run that gave what it had read is not its own parent.
  private func parents(of runs: [(label: String, run: RunOutline)]) -> [[Int]] {
    let makers = Dictionary(runs.enumerated().map { ($1.run.output, $0) }) {
      runs[$0].run.id < runs[$1].run.id ? $0 : $1
    }
    return runs.map { entry in
      entry.run.inputs.compactMap { makers[$0] }.filter { runs[$0].run.id < entry.run.id }
    }
  }

  /// What a run read: `← base, fishers[0]`.
  private func origin(of run: RunOutline, _ labelOf: (Digest) -> String?) -> String {
    var names: [String] = []
    for input in run.inputs {
      let name = Renderer.printable(labelOf(input) ?? input.short)
      if !names.contains(name) { names.append(name) }
    }
    return names.isEmpty ? "" : "← " + StepFolding.listed(names)
  }
}

extension Apply {
  /// How it ended, in one word.
  var outcome: String { wasKilled ? "killed" : status.rawValue }
}
