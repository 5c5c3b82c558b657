import Formats
import Tensors
import Testing

@testable import Operations

/// What two operations might share.
private struct Shared: SharedSettings {
  @Param("How many.", in: 1...9) var count: Int = 4
  @Param("Whether they are large.") var isLarge: Bool = false

  init() {}
  init(of count: Int) { _count = _count.defaulting(to: count) }
}

/// An operation that declares a slot of every sort.
private struct Everything: RecipeOperation {
  enum Mode: String, Choice {
    case fast
    case verySlow = "very_slow"
    var text: String { self == .fast ? "Soon." : "Later." }
  }

  static let about = About("everything", "Make metrics of everything.")
  static let fields = [Field("weights", "What it found.", type: .list(.number))]

  @Input("A model.") var model: Checkpoint
  @Input("A base that may be left out.") var base: Checkpoint?
  @Input("Models.", count: 2...) var models: [Checkpoint]
  @Input("Fishers that may be left out.", count: 0...) var fishers: [Fisher]
  @Include var shared = Shared(of: 5)
  @Input("Something behind what is included.") var data: Dataset?
  @Param("A rate.", in: 0..<1) var weightDecay: Double = 0.25
  @Param("A count.", unit: .examples) var samples: Int? = nil
  @Param("A way.") var mode: Mode = .verySlow
  @Param("Ways.") var modes: [Mode] = Mode.allCases
  @Param("A share.") var density: Layered<Fraction> = 0.2
  @Param("A file.") var path: SourcePath

  func run(_ context: Context) throws -> Metrics { Metrics(Content(.metrics)) }
}

@Suite("An operation's declaration")
struct BindingTests {
  private let signature = Signature(Everything.self)

  @Test("is its signature")
  func slots() {
    #expect(
      signature.slots.map(\.name) == [
        "model", "base", "models", "fishers", "count", "is_large", "data", "weight_decay", "samples", "mode", "modes",
        "density", "path",
      ])
    #expect(signature.slots.filter(\.isRequired).map(\.name) == ["model", "models", "path"])
    #expect(signature.slot("models")?.minimumCount == 2)
    #expect(signature.slot("fishers")?.minimumCount == 0)
    #expect(signature.slot("fishers")?.type == .list(.artifact(.fisher)))
    #expect(signature.slot("samples")?.type == .optional(.count(.examples)))
    #expect(signature.slot("mode")?.defaultValue == .choice("very_slow"))
    #expect(signature.slot("modes")?.defaultValue == .list([.choice("fast"), .choice("very_slow")]))
    #expect(signature.slot("modes")?.choices == ["fast": "Soon.", "very_slow": "Later."])
    #expect(signature.slot("weight_decay")?.range == NumberRange(lower: 0, upper: 1, excludesUpper: true))
    #expect(signature.slot("density")?.range == NumberRange(lower: 0, upper: 1))
    #expect(signature.slot("path")?.type == .path)
    #expect(signature.slot("count")?.defaultValue == .number(5))
    #expect(signature.slot("count")?.range == NumberRange(lower: 1, upper: 9))
    #expect(signature.slot("is_large")?.text == "Whether they are large.")
  }

  private func bound(_ more: [String: Binding] = [:]) throws -> Everything {
    let content = Content(.checkpoint, label: "x")
    return try Everything(
      binding: ["model": .contents([content]), "models": .contents([content, content]), "path": .value(.text("/m"))]
        .merging(more) { _, new in new })
  }

  @Test("has its defaults where a recipe gives nothing")
  func defaults() throws {
    let operation = try bound()
    #expect(operation.base == nil)
    #expect(operation.fishers.isEmpty)
    #expect(operation.weightDecay == 0.25)
    #expect(operation.samples == nil)
    #expect(operation.mode == .verySlow)
    #expect(operation.density(TensorName("x")).share == 0.2)
    #expect(operation.path.path == "/m")
    #expect(operation.shared.count == 5 && !operation.shared.isLarge)
    #expect(operation.inputs.map(\.slot) == ["model", "models"])
  }

  @Test("takes what a recipe gives")
  func values() throws {
    let operation = try bound([
      "weight_decay": .value(.number(0.5)), "samples": .value(.number(1e300)), "mode": .value(.choice("fast")),
      "fishers": .contents([Content(.fisher, label: "f")]), "base": .contents([Content(.checkpoint, label: "b")]),
      "is_large": .value(.flag(true)), "data": .contents([Content(.dataset, label: "d")]),
    ])
    #expect(operation.weightDecay == 0.5)
    #expect(operation.samples == 1 << 53)
    #expect(operation.mode == .fast)
    #expect(operation.fishers.map(\.label) == ["f"])
    #expect(operation.base?.label == "b")
    #expect(operation.shared.count == 5 && operation.shared.isLarge)
    #expect(operation.data?.label == "d")
    #expect(operation.inputs.map(\.slot) == ["model", "base", "models", "fishers", "data"])
  }
}
