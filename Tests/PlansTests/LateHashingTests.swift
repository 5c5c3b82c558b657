import Diagnostics
import Formats
import Foundation
import Operations
import Plans
import Recipes
import Registry
import Tensors
import Testing

/// Inputs that are hashed by the step that reads them.
@Suite struct LateHashingTests {
  let bench: Bench
  static let merge = """
    let a = model("a.safetensors", journal:)
    let b = model("b.safetensors", journal:)
    let merged = mean([a, b], journal:)
    let twice = mean([merged, merged], journal:)
    export twice to "size.txt"
    """

  init() throws {
    bench = try Bench()
    for (seed, name) in ["a", "b"].enumerated() { try write(name, seed: seed) }
  }

  private func write(_ name: String, seed: Int, _ bench: Bench? = nil) throws {
    let file = "\((bench ?? self.bench).folder)/\(name).safetensors"
    try? FileManager.default.removeItem(atPath: file)
    try SafetensorsLayout([("x", .f32, [50, 3]), ("y", .f32, [7])]).write(to: file) { name in
      var generator = Generator(seed: seed, stream: name)
      let count = name == "x" ? 150 : 7
      return Tensor((0..<count).map { _ in Float(generator.gaussian()) }, shape: name == "x" ? [50, 3] : [7])
    }
  }

  private func isHashed(_ name: String) throws -> Bool {
    try Registry.open(bench.folder + "/.mergekit").isFingerprinted(file: "\(bench.folder)/\(name).safetensors")
  }

  private func hashedLate(_ text: String) throws -> [String] {
    try bench.planner(text, hashesLate: true).plan().steps.filter(\.isHashedLate).map(\.label)
  }

  /// How each step ended, in order.
  private func endings(_ report: Application.Report) -> [String] {
    report.outcomes.map { _, outcome in
      switch outcome {
      case .ran: "ran"
      case .reused: "reused"
      case .failed(let error): "failed: \(error.message)"
      case .skipped: "skipped"
      case .interrupted: "interrupted"
      }
    }
  }

  @Test func keysAndResultsAreThoseOfInputsThatAreHashedBefore() throws {
    #expect(try hashedLate(Self.merge) == ["a", "b"])
    #expect(try !isHashed("a") && !isHashed("b"))
    let late = try bench.apply(Self.merge, hashesLate: true).report
    #expect(endings(late) == ["ran", "ran", "ran", "ran"])
    #expect(try isHashed("a") && isHashed("b"))

    let other = try Bench()
    for (seed, name) in ["a", "b"].enumerated() { try write(name, seed: seed, other) }
    let before = try other.apply(Self.merge).report
    for ((_, mine), (_, theirs)) in zip(late.outcomes, before.outcomes) {
      guard case .ran(let mine) = mine, case .ran(let theirs) = theirs else { return #expect(Bool(false), "both ran") }
      // The journals' names are settings, and so are in the keys.
      func rest(_ run: Run) -> [Run.Component] { run.components.filter { $0.name != "journal" } }
      #expect(mine.output == theirs.output && mine.inputs == theirs.inputs && rest(mine) == rest(theirs))
    }
    let again = try bench.apply(Self.merge, hashesLate: true)
    #expect(again.ran.isEmpty && again.report.outcomes.isEmpty)
  }

  @Test func onlyWhatWasNeverSeenAndIsReadOnceIs() throws {
    // Planning what is read twice hashes it.
    #expect(try hashedLate(Self.merge + "\nexport a to \"a.txt\"") == ["b"])
    #expect(try isHashed("a") && !isHashed("b"))
    #expect(try hashedLate(Self.merge + "\nexport mean([b, b, a], journal:) to \"other.txt\"") == [])
    #expect(try isHashed("b"))
    try write("b", seed: 5)
    #expect(try hashedLate(Self.merge) == ["b"])
    _ = try bench.apply(Self.merge, hashesLate: true)
    try write("b", seed: 6)
    // What it comes to may be there already: only its digest tells.
    #expect(try hashedLate(Self.merge) == [])
    try write("b", seed: 7)
    #expect(try hashedLate(Self.merge.replacing("let b", with: "let c").replacing("[a, b]", with: "[a, c]")) == [])
  }

  @Test func aMergeThatFailsKeepsWhatItsInputsAre() throws {
    let text = Self.merge.replacing("mean([a, b],", with: "mean([a, b], fails: true,")
    let (report, ran) = try bench.apply(text, hashesLate: true)
    #expect(endings(report) == ["ran", "ran", "failed: no such luck", "skipped"])
    #expect(ran == ["model", "model"])
    #expect(try isHashed("a") && isHashed("b"))
    #expect(endings(try bench.apply(Self.merge, hashesLate: true).report) == ["ran", "ran"])
  }

  @Test func anInputThatFailsKeepsTheOthers() throws {
    let text = Self.merge.replacing("model(\"a.safetensors\",", with: "model(\"a.safetensors\", fails: true,")
    let report = try bench.apply(text, hashesLate: true).report
    #expect(endings(report) == ["failed: it cannot be read", "ran", "skipped", "skipped"])
    #expect(report.exitStatus == 1)
    #expect(try isHashed("b") && !isHashed("a"))
  }

  @Test func anotherInputThatFailsLeavesThemToRunAlone() throws {
    let text = """
      let a = model("a.safetensors", journal:)
      let b = model("b.safetensors", fails: true, journal:)
      export b to "b.txt"
      export mean([a, b], journal:) to "size.txt"
      """
    #expect(try hashedLate(text) == ["a"])
    #expect(endings(try bench.apply(text, hashesLate: true).report) == ["ran", "failed: it cannot be read", "skipped"])
  }

  @Test func whatIsStoppedKeepsNothing() throws {
    let cancellation = Cancellation()
    let report = try bench.apply(Self.merge, hashesLate: true, cancellation: cancellation) { event in
      if case .ended = event { return }
      cancellation.cancel()
    }.report
    #expect(endings(report) == Array(repeating: "interrupted", count: 4) && report.exitStatus == 130)
    #expect(endings(try bench.apply(Self.merge, hashesLate: true).report) == Array(repeating: "ran", count: 4))
  }

  @Test func whatChangesWhileItIsReadIsRefused() throws {
    let report = try bench.apply(Self.merge, hashesLate: true) { event in
      guard case .storing = event else { return }
      try? write("b", seed: 7)
    }.report
    // The bytes that it was made of are those that were hashed, and the file has others by now.
    #expect(endings(report)[2...] == ["skipped", "skipped"])
    #expect(endings(report)[1] == "failed: `\(bench.folder)/b.safetensors` changed while it was read")
  }

  /// A model in one file.
  struct ModelOperation: RecipeOperation {
    typealias Output = Checkpoint
    static let about = About("model", "Read a model.")
    @Param("The model's file.") var path: SourcePath
    @Param("Whether it fails.") var fails: Bool = false
    @Param("Which journal to write to.") var journal: String

    func sources() throws -> [String] { [path.path] }

    func outline() throws -> Content? { try content() }

    func run(_ context: Context) throws -> Checkpoint {
      if fails { throw OperationError("it cannot be read") }
      Journals.of(journal).add("model")
      return Checkpoint(try content())
    }

    private func content() throws -> Content {
      let file = try SafetensorsFile(path.path)
      var content = Content(.checkpoint)
      content.tensors = file.entries.map { entry in
        let slice = file.slice(of: entry)
        return TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape, file: slice, in: slice)
      }
      return content
    }
  }

  /// The mean of models.
  struct MeanOperation: LinearOperation {
    typealias Output = Checkpoint
    static let about = About("mean", "Average models.")
    @Input("The models.") var models: [Checkpoint]
    @Param("Whether it fails.") var fails: Bool = false
    @Param("Which journal to write to.") var journal: String

    func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
      if fails { throw OperationError("no such luck") }
      return LinearSum(models, weights: models.map { _ in 1 }, isNormalized: true)
    }
  }

  /// Writes how large a model is.
  struct SizeFormat: ExportFormat {
    static let about = About("size", "Write a size.")
    static let accepts: [ArtifactKind] = [.checkpoint]
    static let acceptsLists = false
    static let makesFolder = false

    func write(_ contents: [Content], isList: Bool, to path: String) throws {
      try NewFile.write(Array("\(contents.map(\.byteCount))".utf8), to: path)
    }
  }
}
