import Fingerprints
import Foundation

/// As much of a run as a line of the history shows. A page of it has thousands, whose settings and machines nobody asks for.
public struct RunOutline: Sendable {
  public let id: Int
  public let operation: String
  /// What the recipe calls the step.
  public let label: String
  public let output: Digest
  public let started: Date
  public let seconds: Double
  /// The artifacts that went in, in order.
  public let inputs: [Digest]

  public init(_ run: Run) {
    self.init(
      id: run.id, operation: run.operation, label: run.label, output: run.output, started: run.started,
      seconds: run.seconds, inputs: run.inputs.map(\.artifact))
  }

  init(
    id: Int, operation: String, label: String, output: Digest, started: Date, seconds: Double, inputs: [Digest]
  ) {
    self.id = id
    self.operation = operation
    self.label = label
    self.output = output
    self.started = started
    self.seconds = seconds
    self.inputs = inputs
  }
}

extension Registry {
  /// The runs that an apply made or found, by their numbers. Those whose receipts were lost are left out.
  public func outlines(of apply: Apply) throws -> [Int: RunOutline] {
    try index.read { index in
      var inputs: [Int: [Digest]] = [:]
      let read = try index.rows(
        """
        SELECT run, artifact FROM run_input WHERE run IN (SELECT run FROM apply_step WHERE apply = ?)
        ORDER BY run, position
        """, apply.id
      ) { (try $0.integer(0), try $0.digest(1)) }
      for (run, artifact) in read { inputs[run, default: []].append(artifact) }
      let runs = try index.rows(
        """
        SELECT id, operation, label, output, started, seconds FROM run
        WHERE id IN (SELECT run FROM apply_step WHERE apply = ?)
        """, apply.id
      ) { row in
        let id = try row.integer(0)
        return try RunOutline(
          id: id, operation: row.text(1), label: row.text(2), output: row.digest(3),
          started: Date(timeIntervalSince1970: row.real(4)), seconds: row.real(5), inputs: inputs[id] ?? [])
      }
      return Dictionary(uniqueKeysWithValues: runs.map { ($0.id, $0) })
    }
  }
}
