import Diagnostics
import Foundation
import Operations
import Plans
import Recipes
import Registry
import Synchronization
import Tensors

/// What was really run, in order of completion.
final class Journal: Sendable {
  private let entries = Mutex<[String]>([])

  func add(_ entry: String) { entries.withLock { $0.append(entry) } }

  func take() -> [String] {
    entries.withLock { entries in
      defer { entries = [] }
      return entries.sorted()
    }
  }
}

/// Tests of one folder write to one journal; the folder's name tells which.
enum Journals {
  private static let all = Mutex<[String: Journal]>([:])

  static func of(_ name: String) -> Journal {
    all.withLock { all in
      if let journal = all[name] { return journal }
      let journal = Journal()
      all[name] = journal
      return journal
    }
  }
}

/// A number, as metrics and as a tensor.
struct NumberOperation: RecipeOperation {
  typealias Output = Metrics
  static let about = About("number", "Make a number.")
  static let fields = [Field("value", "The number.")]
  @Param("The number.") var value: Double
  @Param("Which journal to write to.") var journal: String

  func outline() throws -> Content? {
    Content(.metrics, tensors: [TensorEntry(foreseen: "value", dtype: .f32, shape: [])])
  }

  func run(_ context: Context) throws -> Metrics {
    Journals.of(journal).add("number \(value)")
    return Metrics(number: value)
  }
}

/// The sum of some numbers, rounded to tens where asked: then other numbers may give the same sum.
struct SumOperation: RecipeOperation {
  typealias Output = Metrics
  static let about = About("sum_of", "Sum numbers.")
  static let fields = [Field("value", "The sum.")]
  @Input("The numbers.") var numbers: [Metrics]
  @Param("Whether to round to tens.") var rounds: Bool = false
  @Param("What is added.") var plus: Double = 0
  @Param("Which journal to write to.") var journal: String

  func run(_ context: Context) throws -> Metrics {
    let sum = numbers.reduce(plus) { $0 + ($1.content.facts["value"]?.number ?? 0) }
    Journals.of(journal).add("sum \(sum)")
    return Metrics(number: rounds ? (sum / 10).rounded() * 10 : sum)
  }
}

/// Fails once it runs, or, where asked, before.
struct FailingOperation: RecipeOperation {
  typealias Output = Metrics
  static let about = About("fail", "Fail.")
  static let fields = [Field("value", "Never there.")]
  @Input("A number.") var number: Metrics
  @Param("Whether it can be known beforehand.") var early: Bool = false

  func outline() throws -> Content? {
    if early { throw OperationError(.data, "the shapes differ") }
    return nil
  }

  func run(_ context: Context) throws -> Metrics { throw OperationError("no such luck") }
}

/// Waits until the run is stopped.
struct EndlessOperation: RecipeOperation {
  typealias Output = Metrics
  static let about = About("endless", "Never end.")
  static let fields = [Field("value", "Never there.")]
  @Param("Which journal to write to.") var journal: String

  func run(_ context: Context) throws -> Metrics {
    Journals.of(journal).add("endless")
    while true {
      try context.checkCancelled()
      usleep(1000)
    }
  }
}

extension Metrics {
  fileprivate init(number: Double) {
    self.init(
      Content(
        .metrics, facts: ["value": .number(number)], tensors: [TensorEntry("value", Tensor([Float(number)], shape: []))]
      ))
  }
}

/// Writes the facts of metrics.
struct PlainFormat: ExportFormat {
  static let about = About("plain", "Write numbers.")
  static let accepts: [ArtifactKind] = [.metrics]
  static let acceptsLists = true
  static let makesFolder = false

  func write(_ contents: [Content], isList: Bool, to path: String) throws {
    let text = contents.map(\.facts.compact).joined(separator: "\n")
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw OperationError(.io, "`\(path)` cannot be written")
    }
  }
}

extension Catalog {
  static let test = Catalog([
    Plugin(
      "Test", "For tests.",
      operations: [
        NumberOperation.self, SumOperation.self, FailingOperation.self, EndlessOperation.self,
        FunctionCallTests.EndsOperation.self, LateHashingTests.ModelOperation.self, LateHashingTests.MeanOperation.self,
      ],
      formats: [PlainFormat.self, LateHashingTests.SizeFormat.self])
  ])
}

/// A folder with a registry, in which recipes are planned and applied.
final class Bench: Sendable {
  let folder: String
  let journal: String

  init() throws {
    journal = UUID().uuidString
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("plans-\(journal)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func planner(_ text: String, hashesLate: Bool = false) throws -> Planner {
    let text = "recipe \"R\"\nlet journal = \"\(journal)\"\n" + text
    let graph = try Recipe(Source(name: "r.rcp", text: text), path: folder + "/r.rcp").graph(.test) { _ in "" }.graph
    return Planner(
      graph: graph, recipe: folder + "/r.rcp", catalog: .test, registry: try Registry.open(folder + "/.mergekit"),
      hashesLate: hashesLate)
  }

  func plan(_ text: String, targets: [String] = []) throws -> Plan { try planner(text).plan(targets: targets) }

  /// Applies a recipe and returns the report and what was really run.
  func apply(
    _ text: String, targets: [String] = [], jobs: Int = 4, replaces: Bool = false, hashesLate: Bool = false,
    cancellation: Cancellation = Cancellation(), observe: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) throws -> (report: Application.Report, ran: [String]) {
    let planner = try planner(text, hashesLate: hashesLate)
    let registry = try Registry.open(folder + "/.mergekit")
    let exporter = Exporter(root: folder, replaces: replaces, catalog: .test, registry: registry)
    let application = Application(
      try planner.plan(targets: targets), planner: planner, registry: registry, exporter: exporter)
    try application.check()
    let report = try application.apply(
      recipeText: text, limits: .init(jobs: jobs, memory: 1 << 30), cancellation: cancellation, observe: observe)
    return (report, Journals.of(journal).take())
  }

  func text(of path: String) -> String? { try? String(contentsOfFile: folder + "/" + path, encoding: .utf8) }
}
