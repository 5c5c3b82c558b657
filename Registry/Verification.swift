import Diagnostics
import Fingerprints
import Formats
import Foundation

/// Goes over a registry and gathers what is not as it should be.
struct Verification {
  let registry: Registry
  /// The share of the objects whose bytes are read although they were not touched.
  let share: Double
  /// The artifacts whose objects alone are looked at; nil for everything.
  let artifacts: Set<Digest>?
  let repairs: Bool
  let isCancelled: @Sendable () -> Bool
  private(set) var findings: [Finding] = []
  /// Then artifacts lack bytes for a reason that was told.
  private var hasLostObject = false

  init(
    _ registry: Registry, share: Double, artifacts: Set<Digest>?, repairs: Bool,
    isCancelled: @escaping @Sendable () -> Bool
  ) {
    self.registry = registry
    self.share = share
    self.artifacts = artifacts
    self.repairs = repairs
    self.isCancelled = isCancelled
  }

  private var layout: Layout { registry.layout }
  private var index: Index { registry.index }

  mutating func run() throws {
    do {
      guard try checkDatabase() else { return }
      try checkObjects()
      guard artifacts == nil else { return }
      try checkReceipts()
      try checkApplies()
      try checkExports()
      try checkRefs()
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
    let isFull = share == 1
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
    let needed = try artifacts.map { try registry.objects(of: $0) }
    for name in try Set(layout.objectNames()).union(stamps.keys).sorted() where needed?.contains(name) ?? true {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      do {
        let object = try StoredObject(name, in: layout.path)
        if share == 1 || Double.random(in: 0..<1) < share || stamps[name] != object.stamp {
          try object.checkBytes(isCancelled: isCancelled)
        }
        if stamps[name] == nil || stamps[name] != object.stamp, !registry.isReadOnly {
          try index.write { try $0.insert(object, stamp: object.stamp) }
        }
      } catch let error as OperationError where [.corrupt, .missing].contains(error.cause) {
        hasLostObject = true
        let what = error.cause == .missing ? "the object `\(layout.absolute(name))` is gone" : error.message
        try add(.lostObject(what, madeBy: maker(of: name))) { [layout, index] in
          try layout.putAside(name)
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

  private mutating func checkExports() throws {
    let exports = layout.exports
    let rows = try index.read { try $0.rows("SELECT id FROM export ORDER BY id") { try $0.integer(0) } }
    let last = rows.last ?? 0
    for number in try Set(exports.numbers()).union(rows).sorted() {
      let path = exports.path(number)
      let row = try index.read { try $0.export(id: number) }
      let record = try reading { try ExportRecord.read(path) }
      switch (record, row) {
      // One that a later one to the same path replaced has no row.
      case (.sound(let record), let row) where record.export == row || row == nil && number < last: continue
      case (.sound(let record), let row):
        try add(.strayReceipt(path, "export \(number)", isKnown: row != nil)) { [index] in
          try index.write { try $0.insert(record) }
        }
      case (.faulty(let what), let row?):
        try add(.lostReceipt(what, "export \(number)")) { [registry, index] in
          let placed = try index.read { try $0.placed(in: row) }
          try replace(path, with: try registry.writing().write(row.bytes(placed: placed)))
        }
      case (.faulty(let what), nil): try add(.uselessReceipt(what)) { unlink(path) }
      }
    }
  }

  private mutating func checkRefs() throws {
    for name in try names(in: layout.refs) {
      let path = "\(layout.refs)/\(name)"
      switch try reading({ try Ref(reading: path) }) {
      case .sound(let ref):
        guard ref.name + ".json" == name else {
          try add(.lostRef("`\(path)` is damaged: it is another name's")) { unlink(path) }
          continue
        }
      case .faulty(let what): try add(.lostRef(what)) { unlink(path) }
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
  ///   - share: The share of the objects of which every byte is read; those that were touched since they were stored are
  ///     read in any case.
  ///   - artifacts: Looks only at the objects that these need.
  ///   - repair: Whether what can be put right is: damaged objects are put aside, so that the next apply makes them anew;
  ///     receipts and rows are made again from each other.
  /// - Returns: What was found, in the order of looking; empty where all is well.
  public func verify(
    share: Double, of artifacts: Set<Digest>? = nil, repair: Bool = false,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> [Finding] {
    if repair { _ = try writing() }
    var verification = Verification(
      self, share: share, artifacts: artifacts, repairs: repair, isCancelled: isCancelled)
    try verification.run()
    return verification.findings
  }

  /// The objects that describe some artifacts, and those that hold their tensors.
  fileprivate func objects(of artifacts: Set<Digest>) throws -> Set<String> {
    try index.read { index in
      try artifacts.reduce(into: Set()) { names, artifact in
        guard let id = try index.artifact(artifact) else { return }
        names.formUnion(
          try index.rows(
            """
            SELECT path FROM file WHERE artifact = ?1 UNION
            SELECT path FROM part JOIN location ON location.tensor = part.tensor JOIN file ON file.id = location.file
            WHERE part.artifact = ?1 AND file.artifact IS NOT NULL
            """, id
          ) { try $0.text(0) })
      }
    }
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

  fileprivate static func lostRef(_ what: String) -> Finding {
    Finding(
      weight: .damage, what: what,
      consequence: "nobody knows what it named, so nothing is deleted until this is put right",
      help: "`mergekit verify --repair` removes it; then give the name again")
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
