import Diagnostics
import Formats
import Foundation
import Operations
import Synchronization
import Tensors
import Testing

/// A training that is stopped goes on where it was.
struct ResumedTrainingTests {
  private func bindings(_ more: [String: Binding] = [:]) throws -> [String: Binding] {
    let base = try run("classifier", ["sizes": .value(.list([.number(4), .number(6), .number(3)]))])
    let data = try Samples(seed: 3).content(.dataset, label: "data")
    return [
      "base": .contents([base]), "data": .contents([data]), "epochs": .value(.number(12)), "batch": .value(.number(8)),
    ].merging(more) { $1 }
  }

  /// Runs until it has been asked so often whether to stop, again and again, until it comes to its end.
  private func inPieces(
    _ name: String, _ bindings: [String: Binding], of questions: Int
  ) throws -> (Content, runs: Int) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for runs in 1...100 {
      let asked = Mutex(0)
      let context = Context(
        isCancelled: {
          asked.withLock {
            $0 += 1
            return $0 > questions
          }
        }, scratch: { throw BrokenTest(reason: "no scratch space") }, unfinished: { folder })
      do {
        return (try operation(name, bindings).run(context).content, runs)
      } catch let error as OperationError where error.cause == .interrupted {}
    }
    throw BrokenTest(reason: "it never came to its end")
  }

  @Test func `in pieces it makes the same bytes as in one`() throws {
    let held = try Samples(seed: 4).content(.dataset, label: "held_out")
    for more: [String: Binding] in [
      [:], ["optimizer": .value(.choice("sgd"))], ["held_out": .contents([held]), "patience": .value(.number(3))],
    ] {
      let bindings = try bindings(more)
      let whole = try run("finetune", bindings)
      let (made, runs) = try inPieces("finetune", bindings, of: 9)
      #expect(runs > 2)
      for entry in whole.tensors { #expect(try entry.load().floats == made.tensor(entry.name).floats, "\(entry.name)") }
    }
  }

  @Test func `in pieces it draws the same curve as in one`() throws {
    let reports = Mutex([String]())
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func train(stopAfter questions: Int, keeps: Bool) throws {
      let asked = Mutex(0)
      let context = Context(
        report: { progress in
          guard let figure = progress.figure else { return }
          reports.withLock { $0.append("\(progress.done) \(figure.name) \(figure.value)") }
        },
        isCancelled: {
          asked.withLock {
            $0 += 1
            return $0 > questions
          }
        }, scratch: { throw BrokenTest(reason: "no scratch space") }, unfinished: { keeps ? folder : nil })
      _ = try operation("finetune", bindings()).run(context)
    }
    try train(stopAfter: .max, keeps: false)
    let whole = reports.withLock { $0 }
    #expect(whole.count == 36)
    #expect(throws: OperationError.self) { try train(stopAfter: 20, keeps: true) }
    reports.withLock { $0 = [] }
    try train(stopAfter: .max, keeps: true)
    #expect(reports.withLock { $0 } == whole)
  }

  @Test(arguments: ["sgd", "adamw"]) func `a training that comes apart keeps the last good model`(
    optimizer: String
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let context = Context(scratch: { throw BrokenTest(reason: "no scratch space") }, unfinished: { folder })
    let more: [String: Binding] = [
      "rate": .value(.number(1000)), "weight_decay": .value(.number(1000)), "optimizer": .value(.choice(optimizer)),
      "epochs": .value(.number(100)),
    ]
    do {
      _ = try operation("finetune", bindings(more)).run(context)
      Issue.record("it came to its end")
    } catch let error as OperationError {
      #expect(error.cause == .step)
      #expect(error.message.hasPrefix("training came apart at step "), "\(error.message)")
      #expect(error.notes.contains { $0 == "the last good model is kept in `\(folder)/last-good`" }, "\(error.notes)")
    }
    let kept = try run("checkpoint", ["path": .value(.text(folder + "/last-good"))])
    for entry in kept.tensors { #expect(try entry.load().firstNonFinite == nil, "`\(entry.name)`") }
    #expect(kept.facts["model_type"] == "mlp")
  }

  @Test func `skills that tasks share are trained in pieces as in one`() throws {
    let base = try run("classifier", ["sizes": .value(.list([.number(4), .number(6), .number(3)]))])
    let tasks = try [3, 4].map { try Samples(seed: $0).content(.dataset, label: "task \($0)") }
    let bindings: [String: Binding] = [
      "base": .contents([base]), "tasks": .contents(tasks), "skills": .value(.number(2)), "steps": .value(.number(30)),
      "batch": .value(.number(5)),
    ]
    let whole = try run("mhr_train", bindings)
    let (made, runs) = try inPieces("mhr_train", bindings, of: 7)
    #expect(runs > 2)
    for entry in whole.tensors { #expect(try entry.load().floats == made.tensor(entry.name).floats, "\(entry.name)") }
    #expect(whole.facts == made.facts)
  }

  @Test func `what was left of another training is not taken up`() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("nonsense".utf8).write(to: URL(fileURLWithPath: folder + "/training.safetensors"))
    let context = Context(scratch: { throw BrokenTest(reason: "no scratch space") }, unfinished: { folder })
    let bindings = try bindings()
    let made = try operation("finetune", bindings).run(context).content
    let whole = try run("finetune", bindings)
    for entry in whole.tensors { #expect(try entry.load().floats == made.tensor(entry.name).floats) }
  }
}
