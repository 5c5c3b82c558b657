import Diagnostics
import Fingerprints
import Formats
import Foundation

/// Runs as rows.
extension Connection {
  /// Writes the rows of a run that has its number; does nothing where they are there.
  func insert(_ run: Run) throws {
    guard try row("SELECT 1 FROM run WHERE id = ?", run.id, read: { try $0.integer(0) }) == nil else { return }
    try self.run(
      "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", run.id, run.key, run.operation, run.version,
      run.label,
      run.recipe, run.output, run.started.timeIntervalSince1970, run.seconds,
      Receipt.environment(run.environment).canonical, run.curve?.json.compact)
    for (position, component) in run.components.enumerated() {
      try self.run(
        "INSERT INTO component VALUES (?, ?, ?, ?, ?)", run.id, position, component.role.rawValue, component.name,
        component.value)
    }
    for (position, input) in run.inputs.enumerated() {
      try self.run("INSERT INTO run_input VALUES (?, ?, ?, ?)", run.id, position, input.slot, input.artifact)
    }
  }

  /// Adds receipts that are ahead of the index; returns the first number that no receipt has.
  func adoptReceipts(_ receipts: Ledger) throws -> Int {
    var number = try lastID(of: "run") + 1
    while receipts.has(number) {
      // A damaged one keeps its number; `verify` reports it.
      if let run = try? Receipt.read(receipts.path(number), id: number) { try insert(run) }
      number += 1
    }
    return number
  }

  func run(id: Int) throws -> Run? {
    try row("SELECT * FROM run WHERE id = ?", id) { row in
      let environment = try? JSON(parsing: Array(try row.text(9).utf8))
      guard let environment = environment.flatMap(Receipt.environment) else { throw row.damaged("an environment", 9) }
      guard let curve = try Receipt.curve(row.isNull(10) ? .null : row.json(10)) else {
        throw row.damaged("a curve", 10)
      }
      return try Run(
        id: id, key: row.digest(1), operation: row.text(2), version: row.integer(3), label: row.text(4),
        recipe: row.text(5), components: components(ofRun: id), inputs: inputs(ofRun: id), output: row.digest(6),
        started: Date(timeIntervalSince1970: row.real(7)), seconds: row.real(8), environment: environment,
        curve: curve)
    }
  }

  private func components(ofRun id: Int) throws -> [Run.Component] {
    try rows("SELECT role, name, value FROM component WHERE run = ? ORDER BY position", id) { row in
      guard let role = Run.Component.Role(rawValue: try row.text(0)) else { throw row.damaged("a role", 0) }
      return Run.Component(role, try row.text(1), try row.text(2))
    }
  }

  private func inputs(ofRun id: Int) throws -> [Run.Input] {
    try rows("SELECT slot, artifact FROM run_input WHERE run = ? ORDER BY position", id) { row in
      Run.Input(slot: try row.text(0), artifact: try row.digest(1))
    }
  }

  /// The runs whose numbers a query gives.
  func runs(_ numbers: [Int]) throws -> [Run] { try numbers.compactMap { try run(id: $0) } }

  /// The highest number in a table.
  func lastID(of table: String) throws -> Int {
    try row("SELECT coalesce(max(id), 0) FROM \(table)") { try $0.integer(0) } ?? 0
  }
}
