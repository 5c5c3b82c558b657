import Diagnostics
import Fingerprints
import Formats
import Foundation

/// Goes over a registry and gathers what is not as it should be.
struct Verification {
  let registry: Registry
  /// Whether the bytes of every object are read, not only those of objects that were touched.
  let isFull: Bool
  let repairs: Bool
  let isCancelled: @Sendable () -> Bool
  private(set) var findings: [Finding] = []
  /// Then artifacts lack bytes for a reason that was told.
  private var hasLostObject = false

  init(_ registry: Registry, isFull: Bool, repairs: Bool, isCancelled: @escaping @Sendable () -> Bool) {
    self.registry = registry
    self.isFull = isFull
    self.repairs = repairs
    self.isCancelled = isCancelled
  }

  private var layout: Layout { registry.layout }
  private var index: Index { registry.index }

  mutating func run() throws {
    do {
      guard try checkDatabase() else { return }
      try checkObjects()
      try checkReceipts()
      try checkApplies()
      if !hasLostObject { try checkArtifacts() }
    } catch let error as OperationError where error.cause == .corrupt {
      findings.append(.damagedIndex(error.message))
    }
  }

  /// - Parameter repair: Puts it right.
  private mutating func add(_ finding: Finding, repair: (() throws -> Void)? = nil) throws {
    var finding = finding
    if repairs, let repair {
      try repair()
      finding.isRepaired = true
    }
    findings.append(finding)
  }

  // MARK: Index

  /// - Returns: Whether the index can be asked further.
  private mutating func checkDatabase() throws -> Bool {
    let isFull = isFull
    let faults = try index.read { index in
      let check = isFull ? "integrity_check" : "quick_check"
      let faults = try index.rows("PRAGMA \(check)") { try $0.text(0) }.filter { $0 != "ok" }
      return try faults
        + index.rows("PRAGMA foreign_key_check") { "a row of `\(try $0.text(0))` refers to one that is not there" }
    }
    if let fault = faults.first { findings.append(.damagedIndex(fault)) }
    return faults.isEmpty
  }

  // MARK: Objects

  private mutating func checkObjects() throws {
    let indexed = try index.read { index in
      try index.rows("SELECT path, device, inode, size, modified, changed FROM file WHERE artifact IS NOT NULL") {
        (name: try $0.text(0), stamp: try $0.stamp(1))
      }
    }
    let stamps = Dictionary(indexed.map { ($0.name, $0.stamp) }) { first, _ in first }
    for name in try Set(layout.objectNames()).union(stamps.keys).sorted() {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      do {
        let object = try StoredObject(name, in: layout.path)
        if isFull || stamps[name] != object.stamp { try object.checkBytes(isCancelled: isCancelled) }
        if stamps[name] == nil || stamps[name] != object.stamp, !registry.isReadOnly {
          try index.write { try $0.insert(object, stamp: object.stamp) }
        }
      } catch let error as OperationError where [.corrupt, .missing].contains(error.cause) {
        hasLostObject = true
        let what = error.cause == .missing ? "the object `\(layout.absolute(name))` is gone" : error.message
        try add(.lostObject(what, madeBy: maker(of: name))) { [layout, index] in
          unlink(layout.absolute(name))
          try index.write { try $0.removeFile(name) }
        }
      }
    }
  }

  /// What made the artifact of an object: `merged`, run 12.
  private func maker(of object: String) throws -> String? {
    guard let artifact = StoredObject.artifact(ofName: object) else { return nil }
    return try registry.runs(producing: artifact).last.map { "`\($0.label)` (run \($0.id))" }
  }

  // MARK: Receipts and applies

  private mutating func checkReceipts() throws {
    let receipts = layout.receipts
    let numbers = try index.read { try $0.rows("SELECT id FROM run ORDER BY id") { try $0.integer(0) } }
    for number in try Set(receipts.numbers()).union(numbers).sorted() {
      let path = receipts.path(number)
      let row = try index.read { try $0.run(id: number) }
      let receipt = try reading { try Receipt.read(path, id: number) }
      switch (receipt, row) {
      case (.sound(let run), let row):
        guard run != row else { continue }
        try add(.strayReceipt(path, "run \(number)", isKnown: row != nil)) { [index] in
          try index.write { index in
            try index.run("DELETE FROM run WHERE id = ?", number)
            try index.insert(run)
          }
        }
      case (.faulty(let what), let row?):
        try add(.lostReceipt(what, "run \(number)")) { [registry] in
          try replace(path, with: try registry.writing().write(Receipt.bytes(row)))
        }
      case (.faulty(let what), nil): try add(.uselessReceipt(what)) { unlink(path) }
      }
    }
  }

  private mutating func checkApplies() throws {
    let applies = layout.applies
    let numbers = try index.read { try $0.rows("SELECT id FROM apply ORDER BY id") { try $0.integer(0) } }
    for number in try Set(applies.numbers()).union(numbers).sorted() {
      let path = applies.path(number)
      let row = try index.read { try $0.apply(id: number) }
      let file = try reading { try Apply(reading: path, id: number) }
      switch (file, row) {
      // The file of one that was not finished lacks the steps that it had done.
      case (.sound(let apply), let row?) where apply == row || row.status == .running: continue
      case (.sound(let apply), let row):
        try add(.strayReceipt(path, "apply \(number)", isKnown: row != nil)) { [index] in
          try index.write { index in
            try index.run("DELETE FROM apply WHERE id = ?", number)
            try index.insert(apply)
          }
        }
      case (.faulty(let what), let row?):
        try add(.lostReceipt(what, "apply \(number)")) { [registry] in
          try replace(path, with: try registry.writing().write(row.bytes))
        }
      case (.faulty(let what), nil): try add(.uselessReceipt(what)) { unlink(path) }
      }
    }
  }

  private enum Reading<Value> {
    case sound(Value)
    case faulty(String)
  }

  private func reading<Value>(_ read: () throws -> Value) throws -> Reading<Value> {
    do {
      return .sound(try read())
    } catch let error as OperationError where [.corrupt, .missing, .version].contains(error.cause) {
      return .faulty(error.message)
    }
  }

  // MARK: Artifacts

  /// Looks for artifacts whose bytes lie in files outside that are no longer what they were.
  private mutating func checkArtifacts() throws {
    let artifacts = try index.read { index in
      try index.rows("SELECT digest FROM artifact ORDER BY id") { try $0.digest(0) }
    }
    for artifact in artifacts {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      guard try registry.content(artifact) == nil, let run = try registry.runs(producing: artifact).last else {
        continue
      }
      findings.append(.unavailable("`\(run.label)` (run \(run.id), \(artifact.short))"))
    }
  }
}

extension Registry {
  /// Checks the registry: the index, every object, receipt and apply, and whether each artifact is still there.
  ///
  /// - Parameters:
  ///   - full: Whether every byte of every object is read, or only those of objects that were touched since they were
  ///     stored.
  ///   - repair: Whether what can be put right is: damaged objects are removed, so that the next apply makes them anew;
  ///     receipts and rows are made again from each other.
  /// - Returns: What was found, in the order of looking; empty where all is well.
  public func verify(
    full: Bool, repair: Bool = false, isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> [Finding] {
    if repair { _ = try writing() }
    var verification = Verification(self, isFull: full, repairs: repair, isCancelled: isCancelled)
    try verification.run()
    return verification.findings
  }
}

extension Finding {
  fileprivate static func damagedIndex(_ fault: String) -> Finding {
    Finding(
      weight: .damage, what: "the index is damaged: \(fault)", consequence: "results that are there may not be found",
      help: "`mergekit verify --rebuild-index` makes it again from what is stored")
  }

  fileprivate static func lostObject(_ what: String, madeBy maker: String?) -> Finding {
    Finding(
      weight: .damage, what: what,
      consequence: maker.map { "\($0) made it, and will run again when it is needed" } ?? "no run refers to it",
      help: "`mergekit verify --repair` forgets it, `mergekit apply` makes it anew")
  }

  fileprivate static func strayReceipt(_ path: String, _ name: String, isKnown: Bool) -> Finding {
    Finding(
      weight: .damage, what: "the index does not say of \(name) what `\(path)` says",
      consequence: isKnown
        ? "the history shows it wrong" : "the history does not show it, and its result is not reused",
      help: "`mergekit verify --repair` corrects the index")
  }

  fileprivate static func lostReceipt(_ what: String, _ name: String) -> Finding {
    Finding(
      weight: .damage, what: what, consequence: "only the index knows of \(name): it would be lost with it",
      help: "`mergekit verify --repair` writes it again")
  }

  fileprivate static func uselessReceipt(_ what: String) -> Finding {
    Finding(
      weight: .damage, what: what, consequence: "what it told is lost; the step runs again when it is needed",
      help: "`mergekit verify --repair` removes it")
  }

  fileprivate static func unavailable(_ name: String) -> Finding {
    Finding(
      weight: .note, what: "the result of \(name) lies in files that are gone or have changed",
      consequence: "its step runs again when it is needed",
      help: "nothing, unless the files should have stayed as they were")
  }
}
