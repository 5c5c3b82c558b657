import Diagnostics
import Fingerprints
import Foundation

extension Registry {
  /// The newest run with a key whose result is still there.
  public func run(key: Digest) throws -> Run? {
    let runs = try index.read { index in
      try index.runs(try index.rows("SELECT id FROM run WHERE key = ? ORDER BY id DESC", key) { try $0.integer(0) })
    }
    var gone: Set<Digest> = []
    return try runs.first { run in
      guard !gone.contains(run.output) else { return false }
      if try content(run.output) != nil { return true }
      gone.insert(run.output)
      return false
    }
  }

  public func run(id: Int) throws -> Run? { try index.read { try $0.run(id: id) } }

  /// What a recipe's step last came to, whether or not its result is still there: a run that was made for it or one that was
  /// there already.
  public func lastRun(operation: String, label: String, recipe: String) throws -> Run? {
    try index.read { index in
      let applied = try index.row(
        """
        SELECT apply_step.run, (SELECT max(run) FROM apply_step AS other WHERE other.apply = apply.id)
        FROM apply_step JOIN apply ON apply.id = apply_step.apply JOIN run ON run.id = apply_step.run
        WHERE apply_step.label = ? AND apply.recipe = ? AND run.operation = ? ORDER BY apply.id DESC
        """, label, recipe, operation
      ) { (run: try $0.integer(0), last: try $0.integer(1)) }
      // An apply that was killed left runs, but no list of its steps.
      let made = try index.row(
        "SELECT id FROM run WHERE operation = ? AND recipe = ? AND label = ? ORDER BY id DESC", operation, recipe, label
      ) { try $0.integer(0) }
      if let applied, applied.last >= made ?? 0 { return try index.run(id: applied.run) }
      return try made.flatMap { try index.run(id: $0) }
    }
  }

  /// The runs of an operation, newest first.
  public func runs(operation: String, limit: Int) throws -> [Run] {
    try runs("SELECT id FROM run WHERE operation = ? ORDER BY id DESC LIMIT ?", operation, limit)
  }

  /// The runs that gave an artifact, oldest first: the first of them made it.
  public func runs(producing artifact: Digest) throws -> [Run] {
    try runs("SELECT id FROM run WHERE output = ? ORDER BY id", artifact)
  }

  /// The run that made an artifact first.
  public func maker(of artifact: Digest) throws -> Run? {
    try runs("SELECT id FROM run WHERE output = ? ORDER BY id LIMIT ?", artifact, 1).first
  }

  /// The runs that read an artifact, oldest first.
  public func runs(consuming artifact: Digest) throws -> [Run] {
    try runs("SELECT DISTINCT run FROM run_input WHERE artifact = ? ORDER BY run", artifact)
  }

  func runs(_ query: String, _ value: any Bindable & Sendable, _ limit: Int? = nil) throws -> [Run] {
    try index.read { index in
      let ids =
        if let limit {
          try index.rows(query, value, limit) { try $0.integer(0) }
        } else {
          try index.rows(query, value) { try $0.integer(0) }
        }
      return try index.runs(ids)
    }
  }

  // MARK: Recording

  /// Records a step that has succeeded: first its receipt, for good, then the index.
  /// - Returns: The run with its number.
  @discardableResult public func record(_ run: Run) throws -> Run {
    let receipt = try writing().write(Receipt.bytes(run))
    defer { unlink(receipt) }
    return try index.write { index in
      var run = run
      // The receipt claims the number; the index is locked, so nobody else is about to.
      repeat {
        run.id = try index.adoptReceipts(layout.receipts)
      } while try !giveName(receipt, layout.receipts.path(run.id))
      try index.insert(run)
      return try index.run(id: run.id) ?? run
    }
  }

  /// Puts into the index what processes had published when they died, just before they would have put it there.
  func adoptUnindexed() throws {
    let (receipts, applies, exports) = (layout.receipts, layout.applies, layout.exports)
    let isComplete = try index.read { index in
      try !receipts.has(index.lastID(of: "run") + 1) && !applies.has(index.lastID(of: "apply") + 1)
        && !exports.has(index.lastID(of: "export") + 1)
    }
    guard !isComplete else { return }
    try index.write { index in
      _ = try index.adoptReceipts(receipts)
      _ = try index.adoptApplies(applies)
      _ = try index.adoptExports(exports)
    }
  }
}

// MARK: - Locks

extension Registry {
  /// Does something that only one process may do at a time: run the step with a key.
  ///
  /// - Parameters:
  ///   - waiting: Called once where another process is at it, with a text that names that process.
  ///   - isCancelled: Asked while waiting.
  /// - Throws: `OperationError` of cause `.interrupted` where cancelled while waiting; what `body` throws.
  public func withLock<Result>(
    key: Digest, waiting: (String) -> Void = { _ in }, isCancelled: () -> Bool = { false }, _ body: () throws -> Result
  ) throws -> Result {
    let path = layout.lock(ofKey: key.hex)
    var hasWaited = false
    while true {
      if let lock = try FileLock.take(path, .exclusive) {
        lock.sign()
        defer { lock.remove() }
        // Whoever held the lock may have died between its receipt and the index.
        try adoptUnindexed()
        return try body()
      }
      if !hasWaited {
        waiting(FileLock.holder(of: path).map { "process \($0) is running it" } ?? "another process is running it")
        hasWaited = true
      }
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      usleep(50_000)
    }
  }
}

// MARK: - Lineage

extension Registry {
  /// The run of the same step before a run: of one operation, under one name, in one recipe.
  public func runBefore(_ run: Run) throws -> Run? {
    try index.read { index in
      try index.row(
        "SELECT id FROM run WHERE operation = ? AND recipe = ? AND label = ? AND id < ? ORDER BY id DESC",
        run.operation,
        run.recipe, run.label, run.id
      ) { try $0.integer(0) }.flatMap { try index.run(id: $0) }
    }
  }

  /// The runs that lead from an artifact to what a run made, in order; the shortest way there is, none where there is none.
  public func path(from artifact: Digest, to last: Run) throws -> [Run] {
    var ways: [[Run]] = [[last]]
    var seen: Set<Digest> = []
    while !ways.isEmpty {
      if let found = ways.first(where: { $0[0].output == artifact }) { return found }
      ways = try ways.flatMap { way in
        try way[0].inputs.filter { seen.insert($0.artifact).inserted }.compactMap { input in
          try runs(producing: input.artifact).last { $0.id < way[0].id }.map { [$0] + way }
        }
      }
    }
    return []
  }
}
