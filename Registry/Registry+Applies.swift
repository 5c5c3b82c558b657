import Diagnostics
import Foundation

extension Registry {
  /// Notes that a recipe is being applied.
  /// - Returns: The number under which the history knows it.
  public func beginApply(recipe: String, text: String) throws -> Int {
    let workspace = try writing()
    return try index.write { index in
      let apply = Apply(
        id: try index.adoptApplies(layout.applies), recipe: recipe, text: text, started: Date(), finished: nil,
        status: .running,
        message: "", steps: [], process: workspace.name)
      try replace(layout.applies.path(apply.id), with: try workspace.write(apply.bytes))
      try index.insert(apply)
      return apply.id
    }
  }

  /// Notes a run that an apply made or found.
  public func addStep(apply: Int, label: String, run: Int, reused: Bool) throws {
    _ = try writing()
    try index.write { index in
      try index.run(
        "INSERT INTO apply_step SELECT ?1, count(*), ?2, ?3, ?4 FROM apply_step WHERE apply = ?1", apply, label, run,
        reused)
    }
  }

  /// Notes how an apply has ended.
  public func finishApply(_ id: Int, status: ApplyStatus, message: String = "") throws {
    precondition(status != .running, "an apply ends in another way than by running")
    let workspace = try writing()
    try index.write { index in
      guard var apply = try index.apply(id: id) else { preconditionFailure("apply \(id) ended and never began") }
      (apply.status, apply.message, apply.finished) = (status, message, Date())
      try replace(layout.applies.path(id), with: try workspace.write(apply.bytes))
      try index.run(
        "UPDATE apply SET status = ?, message = ?, finished = ? WHERE id = ?", status.rawValue, message,
        apply.finished?.timeIntervalSince1970, id)
    }
  }

  // MARK: History

  /// Applies, newest first.
  public func applies(limit: Int) throws -> [Apply] {
    try index.read { index in
      try index.rows("SELECT id FROM apply ORDER BY id DESC LIMIT ?", limit) { try $0.integer(0) }
        .compactMap { try index.apply(id: $0) }
    }.map(marked)
  }

  public func apply(id: Int) throws -> Apply? { try index.read { try $0.apply(id: id) }.map(marked) }

  /// The applies that made or found a run, oldest first.
  public func applies(with run: Int) throws -> [Apply] {
    try index.read { index in
      try index.rows("SELECT DISTINCT apply FROM apply_step WHERE run = ? ORDER BY apply", run) { try $0.integer(0) }
        .compactMap { try index.apply(id: $0) }
    }.map(marked)
  }

  private func marked(_ apply: Apply) -> Apply {
    var apply = apply
    apply.wasKilled = apply.status == .running && !Workspace.isAlive(apply.process, in: layout.temporary)
    return apply
  }
}

/// Applies as rows.
extension Connection {
  /// Writes the rows of an apply; does nothing where they are there.
  func insert(_ apply: Apply) throws {
    guard try row("SELECT 1 FROM apply WHERE id = ?", apply.id, read: { try $0.integer(0) }) == nil else { return }
    try run(
      "INSERT INTO apply VALUES (?, ?, ?, ?, ?, ?, ?, ?)", apply.id, apply.recipe, apply.text,
      apply.started.timeIntervalSince1970, apply.finished?.timeIntervalSince1970, apply.status.rawValue, apply.message,
      apply.process)
    for (position, step) in apply.steps.enumerated() {
      try run("INSERT INTO apply_step VALUES (?, ?, ?, ?, ?)", apply.id, position, step.label, step.run, step.reused)
    }
  }

  /// Adds applies that are ahead of the index; returns the first number that none has.
  func adoptApplies(_ applies: Ledger) throws -> Int {
    var number = try lastID(of: "apply") + 1
    while applies.has(number) {
      if let apply = try? Apply(reading: applies.path(number), id: number) { try insert(apply) }
      number += 1
    }
    return number
  }

  func apply(id: Int) throws -> Apply? {
    let steps = try rows("SELECT label, run, reused FROM apply_step WHERE apply = ? ORDER BY position", id) { row in
      Apply.Step(label: try row.text(0), run: try row.integer(1), reused: try row.flag(2))
    }
    return try row("SELECT * FROM apply WHERE id = ?", id) { row in
      guard let status = ApplyStatus(rawValue: try row.text(5)) else { throw row.damaged("a status", 5) }
      return try Apply(
        id: id, recipe: row.text(1), text: row.text(2), started: Date(timeIntervalSince1970: row.real(3)),
        finished: row.isNull(4) ? nil : Date(timeIntervalSince1970: row.real(4)), status: status, message: row.text(6),
        steps: steps, process: row.text(7))
    }
  }
}
