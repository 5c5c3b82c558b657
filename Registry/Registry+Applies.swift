import Diagnostics
import Formats
import Foundation

extension Registry {
  /// Notes that a recipe is being applied.
  /// - Parameter command: What does it again, as one would type it.
  /// - Returns: The number under which the history knows it.
  public func beginApply(recipe: String, text: String, command: String = "") throws -> Int {
    let workspace = try writing()
    return try index.write { index in
      let apply = Apply(
        id: try index.adoptApplies(layout.applies), recipe: recipe, text: text, command: command, started: Date(),
        finished: nil, status: .running, message: "", steps: [], process: workspace.name)
      try replace(layout.applies.path(apply.id), with: try workspace.write(apply.bytes))
      try index.insert(apply)
      return apply.id
    }
  }

  /// Notes how an apply has ended, and the runs that it made or found, in order: all of it or nothing.
  public func finishApply(
    _ id: Int, status: ApplyStatus, message: String = "", steps: [Apply.Step] = []
  ) throws {
    precondition(status != .running, "an apply ends in another way than by running")
    let workspace = try writing()
    try index.write { index in
      guard var apply = try index.apply(id: id) else { preconditionFailure("apply \(id) ended and never began") }
      (apply.status, apply.message, apply.finished, apply.steps) = (status, message, Date(), steps)
      try replace(layout.applies.path(id), with: try workspace.write(apply.bytes))
      try index.run("DELETE FROM apply WHERE id = ?", id)
      try index.insert(apply)
    }
  }

  // MARK: History

  /// Which applies are wanted; nil where it does not matter.
  public struct ApplyFilter: Sendable {
    /// Their paths as they were given.
    public var recipes: [String]?
    public var since: Date?
    /// One that a step ran.
    public var operation: String?
    public var status: ApplyStatus?

    public init() {}
  }

  /// Applies, newest first.
  public func applies(limit: Int, _ filter: ApplyFilter = ApplyFilter()) throws -> [Apply] {
    try index.read { index in
      try index.rows(
        """
        SELECT id FROM apply
        WHERE (?2 IS NULL OR recipe IN (SELECT value FROM json_each(?2))) AND started >= ?3
        AND (?4 IS NULL OR status = ?4) AND (?5 IS NULL OR EXISTS (
          SELECT 1 FROM apply_step JOIN run ON run.id = apply_step.run
          WHERE apply = apply.id AND NOT reused AND operation = ?5))
        ORDER BY id DESC LIMIT ?1
        """, limit, filter.recipes.map { JSON.array($0.map(JSON.string)).compact },
        filter.since?.timeIntervalSince1970 ?? 0, filter.status?.rawValue, filter.operation
      ) { try $0.integer(0) }.compactMap { try index.apply(id: $0) }
    }.map(marked)
  }

  /// The paths of all recipes that were applied, as they were given.
  public func recipes() throws -> [String] {
    try index.read { try $0.rows("SELECT DISTINCT recipe FROM apply") { try $0.text(0) } }
  }

  public func apply(id: Int) throws -> Apply? { try index.read { try $0.apply(id: id) }.map(marked) }

  /// The applies that made or found a run, oldest first.
  public func applies(with run: Int) throws -> [Apply] {
    try index.read { index in
      try index.rows("SELECT DISTINCT apply FROM apply_step WHERE run = ? ORDER BY apply", run) { try $0.integer(0) }
        .compactMap { try index.apply(id: $0) }
    }.map(marked)
  }

  /// The newest apply, where its process died before it was done.
  public func killedApply() throws -> KilledApply? {
    guard let apply = try applies(limit: 1).first, apply.wasKilled else { return nil }
    return KilledApply(apply: apply, runs: try index.read { try $0.runs(ofUnfinished: apply).count })
  }

  private func marked(_ apply: Apply) -> Apply {
    var apply = apply
    apply.wasKilled = apply.status == .running && !Workspace.isAlive(apply.process, in: layout.temporary)
    return apply
  }
}

/// An apply whose process died before it was done. Whoever applies its recipe again goes on from there.
public struct KilledApply: Sendable {
  public let apply: Apply
  /// How many steps it had finished: their results are kept.
  public let runs: Int
}

/// Applies as rows.
extension Connection {
  /// Writes the rows of an apply; does nothing where they are there.
  func insert(_ apply: Apply) throws {
    guard try row("SELECT 1 FROM apply WHERE id = ?", apply.id, read: { try $0.integer(0) }) == nil else { return }
    try run(
      "INSERT INTO apply VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", apply.id, apply.recipe, apply.text, apply.command,
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

  /// The numbers of the runs that an apply has left that has not told of its steps.
  func runs(ofUnfinished apply: Apply) throws -> [Int] {
    try rows(
      """
      SELECT id FROM run WHERE recipe = ? AND started >= ? AND id > (
        SELECT coalesce(max(run), 0) FROM apply_step
        WHERE apply = (SELECT max(apply) FROM apply_step WHERE apply < ?))
      ORDER BY id
      """, apply.recipe, apply.started.timeIntervalSince1970, apply.id
    ) { try $0.integer(0) }
  }

  func apply(id: Int) throws -> Apply? {
    let steps = try rows("SELECT label, run, reused FROM apply_step WHERE apply = ? ORDER BY position", id) { row in
      Apply.Step(label: try row.text(0), run: try row.integer(1), reused: try row.flag(2))
    }
    return try row("SELECT * FROM apply WHERE id = ?", id) { row in
      guard let status = ApplyStatus(rawValue: try row.text(6)) else { throw row.damaged("a status", 6) }
      return try Apply(
        id: id, recipe: row.text(1), text: row.text(2), command: row.text(3),
        started: Date(timeIntervalSince1970: row.real(4)),
        finished: row.isNull(5) ? nil : Date(timeIntervalSince1970: row.real(5)), status: status, message: row.text(7),
        steps: steps, process: row.text(8))
    }
  }
}
