import Catalog
import Diagnostics
import Formats
import Foundation
import Networks
import Operations
import Tensors
import Testing

/// Numbers that PEFT 0.21.2 gives for the same weights: `Golden/adapters.py` wrote them.
@Suite("PEFT's own adapters")
struct AdapterGoldenTests {
  private static func golden(_ file: String) throws -> JSON {
    let url = try #require(Bundle.module.url(forResource: "Golden/\(file)", withExtension: "json"))
    return try JSON(parsing: [UInt8](Data(contentsOf: url)))
  }

  private static func content(
    _ kind: ArtifactKind, _ tensors: JSON?, facts: JSON = .object([]), label: String
  ) throws -> Content {
    let entries = try #require(tensors?.object).map { member in
      TensorEntry(member.name, try #require(Tensor(nested: member.value)))
    }
    return Content(kind, facts: facts, tensors: entries, label: label)
  }

  /// Largest difference relative to the largest entry.
  private static func distance(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let scale = expected.map(\.magnitude).max() ?? 1
    return zip(found, expected).map { ($0 - $1).magnitude }.max().map { $0 / max(scale, 1e-30) } ?? 0
  }

  private static let folded = [
    "lora", "patterns", "dora", "transposed", "biases", "all_biases", "saved", "lokr", "lokr_factors", "loha", "ia3",
  ]

  @Test("fold into the weights that `merge_and_unload` gives", arguments: folded)
  func folds(name: String) throws {
    let json = try Self.golden("adapters")
    let golden = try #require(json["folded"]?.array?.first { $0["name"]?.string == name })
    let base = try Self.content(.checkpoint, json["model"], label: "base")
    let adapter = try Self.content(.adapter, golden["adapter"], facts: golden["config"] ?? .null, label: "adapter")
    let made = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
    for member in try #require(golden["model"]?.object) {
      let expected = try #require(Tensor(nested: member.value))
      let found = try made.tensor(member.name)
      #expect(found.shape == expected.shape)
      #expect(Self.distance(found.doubles, expected.doubles) < 1e-6, "`\(member.name)` of \(name)")
    }
  }

  @Test("keep EVA's components, also where many directions explain as much", arguments: 0..<3)
  func components(number: Int) throws {
    let golden = try #require(Self.golden("adapters")["components"]?.array?[number])
    func count(_ name: String) throws -> Int { try #require(golden[name]?.integer) }
    let (rows, width) = (try count("rows"), try count("width"))
    var found = PrincipalComponents(try count("count"), width: width, .incremental)
    for batch in 0..<3 {
      let entries = (0..<rows * width).map { place -> Float in
        let value = sin(Double(batch * rows * width + place + 1)) * 1000
        return Float((value - value.rounded(.towardZero)) * (1 + Double(place % width) / Double(width - 1)))
      }
      let isAdded = found.add(RowSummary(entries, width: width))
      #expect(isAdded)
    }
    for (name, numbers) in [
      ("components", found.components.entries), ("values", found.singularValues), ("explained", found.explained),
    ] {
      let expected = try #require(golden[name].flatMap { Tensor(nested: $0) })
      #expect(Self.distance(numbers, expected.doubles) < 2e-6, "\(name)")
    }
  }

  @Test("begin as PiSSA and OLoRA do, and leave the same residual", arguments: 0..<3)
  func starts(number: Int) throws {
    let json = try Self.golden("adapters")
    let golden = try #require(json["starts"]?.array?[number])
    let base = try Self.content(.checkpoint, json["model"], label: "base")
    let rank = try #require(golden["rank"]?.number)
    let start = try run(
      try #require(golden["name"]?.string),
      [
        "base": .contents([base]), "rank": .value(.number(rank)),
        "alpha": .value(.number(try #require(golden["alpha"]?.number))),
        "rslora": .value(.flag(golden["rslora"]?.bool ?? false)),
        "targets": .value(.list([.text("first"), .text("last")])),
      ])
    let residual = try run("residual", ["base": .contents([base]), "adapter": .contents([start])])
    let whole = try run("attach", ["base": .contents([residual]), "adapter": .contents([start])])
    for member in try #require(golden["layers"]?.object) {
      let (old, rest) = (try base.tensor(member.name).doubles, try residual.tensor(member.name).doubles)
      let expected = try #require(member.value["residual"].flatMap(Tensor.init(nested:))).doubles
      let product = try #require(member.value["product"].flatMap(Tensor.init(nested:))).doubles
      #expect(Self.distance(rest, expected) < 1e-5)
      #expect(Self.distance(zip(old, rest).map { $0 - $1 }, product) < 1e-5)
      #expect(Self.distance(try whole.tensor(member.name).doubles, old) < 1e-6)
    }
    #expect(try residual.tensor("turned.weight").hasSameBytes(as: base.tensor("turned.weight")))
  }

  @Test("become plain LoRAs as PEFT converts PiSSA")
  func conversion() throws {
    let golden = try #require(try Self.golden("adapters")["converted"])
    let facts = try #require(golden["config"])
    let trained = try Self.content(.adapter, golden["trained"], facts: facts, label: "trained")
    let start = try Self.content(.adapter, golden["start"], facts: facts, label: "start")
    let made = try run("pissa_to_lora", ["adapter": .contents([trained]), "start": .contents([start])])
    let config = try #require(golden["converted_config"])
    for field in ["r", "lora_alpha", "init_lora_weights", "rank_pattern", "alpha_pattern"] {
      #expect(made.facts[field] == config[field], "\(field)")
    }
    for member in try #require(golden["converted"]?.object) {
      let expected = try #require(Tensor(nested: member.value))
      #expect(try made.tensor(member.name).floats == expected.floats, "`\(member.name)`")
    }
  }

  @Test("route tasks through Poly's inventory with two splits")
  func poly() throws {
    let golden = try #require(try Self.golden("adapters")["poly"])
    let inventory = try Self.content(
      .inventory, golden["inventory"], facts: golden["config"] ?? .null, label: "inventory")
    let zeros = Content(
      .checkpoint,
      tensors: [TensorEntry("0.weight", Tensor([Float](repeating: 0, count: 24), shape: [6, 4]))], label: "base")
    for (task, change) in try #require(golden["changes"]?.array).enumerated() {
      let adapter = try run("route", ["inventory": .contents([inventory]), "task": .value(.number(Double(task)))])
      let made = try run("attach", ["base": .contents([zeros]), "adapter": .contents([adapter])])
      let expected = try #require(Tensor(nested: change)).doubles
      #expect(Self.distance(try made.tensor("0.weight").doubles, expected) < 1e-6, "task \(task)")
    }
  }

  /// All but the last: `svd_clamp` depends on the signs of vectors.
  private static let merges = 0..<16

  @Test("merge as `add_weighted_adapter` does", arguments: merges)
  func weighted(number: Int) throws {
    let json = try Self.golden("peft")
    let golden = try #require(json["cases"]?.array?[number])
    let combination = try #require(golden["combination_type"]?.string)
    let adapters = try #require(golden["adapters"]?.array).map { name -> Content in
      let stored = try #require(json["inputs"]?[name.string ?? ""])
      let factors = JSON.object([
        .init("base_model.model.x.lora_A.weight", stored["A"] ?? .null),
        .init("base_model.model.x.lora_B.weight", stored["B"] ?? .null),
      ])
      let facts: JSON = [
        "peft_type": "LORA", "r": stored["r"] ?? .null, "lora_alpha": stored["lora_alpha"] ?? .null,
        "use_rslora": golden["use_rslora"] ?? false,
      ]
      return try Self.content(.adapter, factors, facts: facts, label: name.string ?? "")
    }
    var bindings: [String: Binding] = [
      "adapters": .contents(adapters), "method": .value(.choice("peft_" + combination)),
      "weights": .value(.list(try #require(golden["weights"]?.array).map { .number($0.number ?? 0) })),
      "density": .value(.number(golden["density"]?.number ?? 1)),
      "by_frequency": .value(.flag(golden["majority_sign_method"]?.string == "frequency")),
    ]
    if let rank = golden["svd_rank"]?.number { bindings["rank"] = .value(.number(rank)) }
    guard let expected = golden["delta"].flatMap(Tensor.init(nested:)) else {
      #expect(golden["error"] != nil)
      #expect(throws: OperationError.self) { try run("adapter_merge", bindings) }
      return
    }
    let made = try run("adapter_merge", bindings)
    #expect(made.facts["r"] == golden["new_r"])
    let zeros = Content(
      .checkpoint,
      tensors: [TensorEntry("x.weight", Tensor([Float](repeating: 0, count: 20), shape: [4, 5]))], label: "base")
    let folded = try run("attach", ["base": .contents([zeros]), "adapter": .contents([made])])
    #expect(Self.distance(try folded.tensor("x.weight").doubles, expected.doubles) < 1e-5, "\(combination)")
  }
}
