import Adapters
import Diagnostics
import Formats
import Foundation
import GoldenNumbers
import Models
import Networks
import Operations
import Tensors
import Testing

/// Adapters of embeddings and of heads that have their weights, of single tokens, and of stacks of experts, beside PEFT 0.21.2:
/// `Golden/tied.py` wrote what it gives.
@Suite("Adapters of tied weights")
struct TiedAdapterTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let json: JSON
    var testDescription: String { json["name"]?.string ?? "" }

    func shapes(_ field: String) -> [(name: String, shape: Shape)] {
      (json[field]?.object ?? []).map { ($0.name, Shape(($0.value.array ?? []).compactMap(\.integer))) }
    }

    func numbers(_ field: String) -> [Double] { (json[field]?.array ?? []).compactMap(\.number) }
  }

  private static let all: [Case] = {
    let own = Bundle.module.url(forResource: "tied", withExtension: "json", subdirectory: "Golden")
    let other = ProcessInfo.processInfo.environment["TIED_GOLDEN"].map { URL(fileURLWithPath: $0) }
    guard let file = other ?? own, let data = try? Data(contentsOf: file), let json = try? JSON(parsing: Array(data))
    else { return [] }
    return (json.array ?? []).map { Case(json: $0) }
  }()

  static let cases = all.filter { $0.json["logits"] != nil }
  static let stacks = all.filter { $0.json["made"] != nil }

  private func base(_ test: Case) -> Content {
    Content(
      .checkpoint, facts: test.json["config"] ?? .null,
      tensors: test.shapes("shapes").map { TensorEntry($0.name, GoldenNumbers.weight($0.name, $0.shape)) },
      label: "base")
  }

  private func hashed(_ name: String, _ shape: Shape) -> Tensor {
    let offset: Float = name.contains("magnitude") ? 1 : 0
    return Tensor(GoldenNumbers.hashed(name, shape.count).map { Float($0) + offset }, shape: shape)
  }

  private func adapter(_ test: Case) -> Content {
    let shapes = test.shapes("tensors")
    let entries = shapes.map { name, shape -> TensorEntry in
      if let copied = test.json["copies"]?[name]?.string {
        return TensorEntry(name, GoldenNumbers.weight(copied, shape))
      }
      // Of a head that stays tied, the tensors are the embedding's.
      let isCopy = test.json["tied"]?.bool == true && (name.contains("lm_head") || name.contains("decoder"))
      for (end, part) in [("lora_A.weight", "lora_embedding_B"), ("lora_B.weight", "lora_embedding_A")]
      where isCopy && name.hasSuffix(end) {
        guard let origin = shapes.first(where: { $0.name.hasSuffix(part) }) else { continue }
        return TensorEntry(name, Tensor(DoubleMatrix(hashed(origin.name, origin.shape)).transposed))
      }
      if isCopy, let origin = shapes.first(where: { $0.name.hasSuffix("embed_tokens.weight") }) {
        return TensorEntry(name, hashed(origin.name, origin.shape))
      }
      return TensorEntry(name, hashed(name, shape))
    }
    return Content(.adapter, facts: test.json["adapter"] ?? .null, tensors: entries, label: "adapter")
  }

  /// The largest difference from PEFT's logits.
  private func distance(_ network: Network, _ test: Case) -> Double {
    let texts = (test.json["tokens"]?.array ?? []).map { ($0.array ?? []).compactMap(\.integer) }
    let output = network.output(.texts(TextBatch(texts, padding: 0))).entries
    let expected = test.numbers("logits")
    guard output.count == expected.count else { return .infinity }
    return zip(output, expected).map { (Double($0) - $1).magnitude }.max() ?? 0
  }

  @Test("there are cases to compare") func number() { #expect(Self.cases.count >= 20) }

  @Test("give PEFT's logits when they are folded into their models", arguments: cases)
  func folded(_ test: Case) throws {
    let made = try run("attach", ["base": .contents([base(test)]), "adapter": .contents([adapter(test)])])
    let network = try RunnableModel(Checkpoint(made)).network()
    #expect(distance(network, test) < 1e-4)
  }

  @Test("give PEFT's logits beside their models", arguments: cases)
  func running(_ test: Case) throws {
    let base = base(test)
    let network = try RunnableModel(Checkpoint(base)).network()
    try AdaptedModel(adapter(test), for: base).install(on: network, isTrainable: false)
    #expect(distance(network, test) < 1e-4)
  }

  @Test("of a stack of experts fold as `merge_and_unload` does", arguments: stacks)
  func experts(_ test: Case) throws {
    let base = Content(
      .checkpoint, facts: ["model_type": test.json["model_type"] ?? .null],
      tensors: test.shapes("shapes").map { TensorEntry($0.name, hashed($0.name, $0.shape)) }, label: "base")
    let made = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter(test)])])
    for (name, _) in test.shapes("shapes") {
      guard let numbers = test.json["made"]?[name]?.array?.compactMap(\.number) else {
        #expect(try made.tensor(name).hasSameBytes(as: base.tensor(name)), "\(name)")
        continue
      }
      let found = try made.tensor(name).doubles
      #expect(zip(found, numbers).allSatisfy { ($0 - $1).magnitude < 1e-6 } && found.count == numbers.count, "\(name)")
    }
  }

  @Test("begin at an embedding under the names that PEFT loads, and run")
  func starts() throws {
    let base = base(try #require(Self.cases.first { $0.testDescription == "embedding" }))
    let made = try run(
      "lora_init",
      ["base": .contents([base]), "rank": .value(.number(2)), "targets": .value(.list([.text("embed_tokens")]))])
    let path = "base_model.model.model.embed_tokens."
    #expect(made.shapes.map(\.name).sorted() == [path + "lora_embedding_A", path + "lora_embedding_B"])
    #expect(made.entry(path + "lora_embedding_A")?.shape == [2, 31])
    #expect(try made.tensor(path + "lora_embedding_A").floats.allSatisfy { $0 == 0 })
    #expect(try made.tensor(path + "lora_embedding_B").shape == [12, 2])
    let network = try RunnableModel(Checkpoint(base)).network()
    try AdaptedModel(made, for: base).install(on: network, isTrainable: true)
    #expect(network.weights.all.filter(\.isTrainable).count == 2)
  }
}
