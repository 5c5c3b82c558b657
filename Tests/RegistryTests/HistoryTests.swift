import Diagnostics
import Dispatch
import Fingerprints
import Formats
import Foundation
import Operations
import Synchronization
import Tensors
import Testing

@testable import Registry

@Suite struct HistoryTests {
  let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func runsAreRecordedAndFound() throws {
    let registry = try sandbox.open()
    let base = try registry.store(.made([("w", .sample(4, seed: 1))])).digest
    let merged = try registry.store(.made([("w", .sample(4, seed: 2))])).digest
    let first = try registry.record(.sample(1, output: base, label: "base"))
    let second = try registry.record(
      .sample(
        2, output: merged, inputs: [.init(slot: "models", artifact: base), .init(slot: "models", artifact: base)]))
    #expect(first.id == 1)
    #expect(second.id == 2)
    #expect(try registry.run(id: 2) == second)
    #expect(try registry.run(key: .sample(2)) == second)
    #expect(try registry.run(key: .sample(3)) == nil)
    #expect(try registry.runs(operation: "ties", limit: 1) == [second])
    #expect(try registry.runs(producing: merged) == [second])
    #expect(try registry.runs(consuming: base) == [second])
    #expect(try registry.lastRun(operation: "ties", label: "base", recipe: "recipe.rcp") == first)
    #expect(try registry.lastRun(operation: "ties", label: "base", recipe: "other.rcp") == nil)
    #expect(try registry.resolve("2") == [.run(2)])
    #expect(try registry.resolve("merged") == [.run(2)])
    #expect(try registry.resolve(String(merged.hex.prefix(8))) == [.artifact(merged)])
    #expect(try registry.resolve(merged.description) == [.artifact(merged)])
    #expect(try registry.resolve("abc") == [])
    let info = try #require(try registry.info(of: merged))
    #expect(info.kind == .checkpoint)
    #expect(info.byteCount == 16)
    #expect(info.tensors.map(\.name) == ["w"])
  }

  @Test func appliesAreRemembered() throws {
    let registry = try sandbox.open()
    let run = try registry.record(.sample(1))
    let apply = try registry.beginApply(recipe: "recipe.rcp", text: "recipe \"x\"\n")
    #expect(try registry.apply(id: apply)?.status == .running)
    #expect(try registry.apply(id: apply)?.wasKilled == false)
    try registry.finishApply(
      apply, status: .failed, message: "`x` failed",
      steps: [.init(label: "merged", run: run.id, reused: false), .init(label: "again", run: run.id, reused: true)])
    let second = try registry.beginApply(recipe: "recipe.rcp", text: "")
    #expect(try registry.applies(limit: 10).map(\.id) == [second, apply])
    #expect(try registry.applies(with: run.id).map(\.id) == [apply])
    let finished = try #require(try registry.apply(id: apply))
    #expect(finished.status == .failed)
    #expect(finished.message == "`x` failed")
    #expect(finished.text == "recipe \"x\"\n")
    #expect(finished.finished != nil)
    #expect(
      finished.steps == [
        .init(label: "merged", run: 1, reused: false), .init(label: "again", run: 1, reused: true),
      ])
  }

  @Test func anApplyOfAProcessThatIsGoneIsRecognised() throws {
    var registry: Registry? = try sandbox.open()
    let apply = try #require(try registry?.beginApply(recipe: "recipe.rcp", text: ""))
    registry = nil
    #expect(try sandbox.open(.readOnly).apply(id: apply)?.wasKilled == true)
    #expect(try sandbox.open(.readOnly).apply(id: apply)?.status == .running)
  }

  @Test func theIndexIsMadeAgainFromTheFiles() throws {
    var registry: Registry? = try sandbox.open()
    func history(_ registry: Registry) throws -> ([Run], [Apply], [Run?]) {
      let runs = try registry.runs(operation: "ties", limit: 100)
      return (runs, try registry.applies(limit: 100), try runs.map { try registry.run(key: $0.key) })
    }
    let stored = try (0..<5).map { seed in
      try #require(registry).store(.made([("w", .sample(4, seed: seed))], files: [SideFile("vocab.txt", [1, 2])]))
        .digest
    }
    for number in 1...5 {
      let apply = try #require(registry).beginApply(recipe: "r.rcp", text: "text")
      let run = try #require(registry).record(.sample(number, output: stored[number - 1]))
      try #require(registry).finishApply(
        apply, status: .ok, steps: [.init(label: "merged", run: run.id, reused: false)])
    }
    let before = try history(#require(registry))
    #expect(before.2.allSatisfy { $0 != nil })
    let content = try #require(try registry?.content(stored[2])).bytes("w")
    registry = nil

    for loss in 0..<3 {
      switch loss {
      case 0: try FileManager.default.removeItem(atPath: sandbox.registry + "/index.sqlite")
      case 1: try sandbox.damage("index.sqlite") { for place in 0..<$0.count { $0[place] ^= 0x55 } }
      default: break
      }
      registry = loss == 0 ? try sandbox.open() : try Registry.rebuildIndex(sandbox.registry)
      let after = try history(#require(registry))
      #expect(after.0 == before.0)
      #expect(after.1 == before.1)
      #expect(after.2 == before.2)
      #expect(try #require(try registry?.content(stored[2])).bytes("w") == content)
      #expect(try registry?.verify(share: 1) == [])
      #expect(try registry?.record(.sample(9)).id == 6)
      registry = nil
      try FileManager.default.removeItem(atPath: "\(sandbox.registry)/receipts/0/6.json")
    }
  }

  @Test func whatAProcessHadPublishedWhenItDiedIsFound() throws {
    var registry: Registry? = try sandbox.open()
    let artifact = try #require(try registry?.store(.made([("w", .sample(4, seed: 1))]))).digest
    let run = try #require(try registry?.record(.sample(1, output: artifact)))
    _ = try registry?.beginApply(recipe: "r.rcp", text: "")
    registry = nil
    // The index as it was before the object, the receipt and the apply were told to it.
    let connection = try Connection(sandbox.registry + "/index.sqlite", .readWrite)
    try connection.execute(
      script: "PRAGMA foreign_keys = ON; DELETE FROM run; DELETE FROM apply; DELETE FROM artifact; DELETE FROM tensor")
    registry = try sandbox.open()
    #expect(try registry?.run(key: run.key) == run)
    #expect(try registry?.applies(limit: 10).count == 1)
    #expect(try registry?.record(.sample(2)).id == 2)
  }

  @Test func exportsAreUpToDateUntilTheyAreTouched() throws {
    let registry = try sandbox.open()
    let artifact = try registry.store(.made([("w", .sample(4, seed: 1))])).digest
    let folder = sandbox.path + "/out"
    try FileManager.default.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: true)
    for name in ["a.txt", "sub/b.txt"] { try NewFile.write([1, 2, 3], to: folder + "/" + name) }
    let record = try ExportRecord(path: folder, artifacts: [artifact], format: "safetensors()")
    try registry.recordExport(record)
    #expect(try registry.export(at: folder) == record)
    #expect(try registry.exports(of: artifact) == [record])
    #expect(try registry.export(at: folder)?.isUntouched == true)
    #expect(try registry.export(at: folder + "2") == nil)
    try FileManager.default.removeItem(atPath: folder + "/sub/b.txt")
    #expect(try registry.export(at: folder)?.isUntouched == false)
    let second = try ExportRecord(path: folder, artifacts: [artifact, artifact], format: "safetensors(list)")
    try registry.recordExport(second)
    #expect(try registry.exports(of: artifact) == [second])
  }

  @Test func manyWritersNeverLockEachOtherOut() throws {
    let registries = try (0..<4).map { _ in try sandbox.open() }
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 4) { writer in
      for number in 0..<200 {
        do {
          try registries[writer].record(.sample(writer * 1000 + number))
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    #expect(failures.withLock { $0 } == [])
    let runs = try registries[0].runs(operation: "ties", limit: 1000)
    #expect(runs.map(\.id) == (1...800).reversed())
    #expect(Set(runs.map(\.key)).count == 800)
    #expect(try registries[0].verify(share: 0) == [])
  }

  @Test func aStepIsRunOnceByHoweverManyWantIt() throws {
    let registries = try (0..<4).map { _ in try sandbox.open() }
    let (ran, waited) = (Counter(), Counter())
    DispatchQueue.concurrentPerform(iterations: 4) { process in
      let registry = registries[process]
      try? registry.withLock(
        key: .sample(1),
        waiting: { text in
          if text == "process \(ProcessInfo.processInfo.processIdentifier) is running it" { waited.raise() }
        }
      ) {
        if try registry.run(key: .sample(1)) != nil { return }
        ran.raise()
        usleep(100_000)
        let stored = try registry.store(.made([("w", .sample(4, seed: 1))]))
        try registry.record(.sample(1, output: stored.digest))
      }
    }
    #expect(ran.value == 1)
    #expect(sandbox.files(".lock").filter { $0.contains(Digest.sample(1).hex) } == [])
  }

  @Test func whoWaitsForALockCanBeStopped() throws {
    let registry = try sandbox.open()
    let texts = Log()
    try registry.withLock(key: .sample(1)) {
      let error = #expect(throws: OperationError.self) {
        try registry.withLock(
          key: .sample(1), waiting: { _ in texts.add(1, 1) }, isCancelled: { !texts.values.isEmpty }
        ) {}
      }
      #expect(error?.cause == .interrupted)
    }
    #expect(texts.values.count == 1)
  }
}
