import Diagnostics
import Formats
import Foundation
import GoldenNumbers
import Operations
import Tensors
import Testing

/// Routers that begin from prompts, beside those that arcee's mergekit makes of the same models and tokenizers (`Golden/moe.py`).
@Suite("Routers from prompts")
struct RouterPromptTests {
  private static let golden: JSON = {
    guard let url = Bundle.module.url(forResource: "Golden/moe", withExtension: "json"),
      let data = try? Data(contentsOf: url), let json = try? JSON(parsing: Array(data))
    else { return .null }
    return json
  }()

  private static let gates = ["hidden": "hidden", "hidden_avg": "hidden_mean", "cheap_embed": "embedding"]

  /// A model of the golden file; the weights of another label are others.
  private func model(_ name: String, label: String = "base") throws -> Content {
    let json = try #require(Self.golden[name])
    let tensors = (json["shapes"]?.object ?? []).map { member in
      let shape = Shape((member.value.array ?? []).compactMap(\.integer))
      let text = label == "base" ? member.name : "\(label) \(member.name)"
      return TensorEntry(member.name, GoldenNumbers.weight(text, shape))
    }
    var result = Content(.checkpoint, facts: json["config"] ?? .null, tensors: tensors, label: label)
    result.files = [
      SideFile("tokenizer.json", Array((json["tokenizer"]?.string ?? "").utf8)),
      SideFile("tokenizer_config.json", Array((json["tokenizer_config"] ?? .null).compact.utf8)),
    ]
    return result
  }

  private func texts(_ json: JSON?) -> Value { .list((json?.array ?? []).compactMap { $0.string.map(Value.text) }) }

  /// A mixture of so many experts; the last of these is shared where the model is a Qwen2.
  private func bindings(_ name: String, _ experts: [JSON], gate: String) throws -> [String: Binding] {
    let isShared = name == "qwen2"
    let routed = isShared ? Array(experts.dropLast()) : experts
    var bindings: [String: Binding] = [
      "base": .contents([try model(name)]),
      "experts": .contents(try routed.indices.map { try model(name, label: "expert \($0)") }),
      "per_token": .value(.number(1)), "gate": .value(.choice(gate)),
      "prompts": .value(.list(routed.map { texts($0["positive"]) })),
      "negative_prompts": .value(.list(routed.map { texts($0["negative"]) })),
    ]
    if isShared {
      bindings["shared"] = .contents([try model(name, label: "shared")])
      bindings["shared_prompts"] = .value(texts(experts.last?["positive"]))
      bindings["shared_negative_prompts"] = .value(texts(experts.last?["negative"]))
    }
    return bindings
  }

  @Test("are those of mergekit, run in float64", arguments: ["llama", "mistral", "qwen2"])
  func golden(name: String) throws {
    let cases = try #require(Self.golden[name]?["routers"]?.array)
    #expect(cases.count == 3)
    for golden in cases {
      let (mode, experts) = (golden["mode"]?.string ?? "", golden["experts"]?.array ?? [])
      let bindings = try bindings(name, experts, gate: Self.gates[mode] ?? "")
      let outline = try operation("moe", bindings).outline()
      let made = try run("moe", bindings)
      #expect(outline?.tensors.map(\.name) == made.tensors.map(\.name))
      let path = name == "qwen2" ? "mlp" : "block_sparse_moe"
      var worst = 0.0
      for layer in 0..<3 {
        var found = try made.tensor("model.layers.\(layer).\(path).gate.weight").doubles
        if name == "qwen2" { found += try made.tensor("model.layers.\(layer).mlp.shared_expert_gate.weight").doubles }
        let rows = try #require(golden["rows"]?.array?[layer].array)
        let expected = rows.flatMap { ($0.array ?? []).compactMap(\.number) }
        #expect(found.count == expected.count && found.count == experts.count * 24)
        worst = max(worst, zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity)
      }
      // Rows have length 1. What goes through the network is float32, and mergekit turns queries and keys by angles in float32.
      #expect(worst <= (mode == "cheap_embed" ? 1e-7 : 2e-6), "\(mode) of \(name) is away by \(worst)")
    }
  }

  @Test("are the same for any number of threads, and whichever expert they are of")
  func same() throws {
    let experts = try #require(Self.golden["llama"]?["routers"]?.array?.first?["experts"]?.array)
    let name = "model.layers.2.block_sparse_moe.gate.weight"
    let first = try run("moe", bindings("llama", experts, gate: "hidden")).tensor(name).floats
    let turned = try run("moe", bindings("llama", experts.reversed(), gate: "hidden")).tensor(name).floats
    for expert in 0..<3 {
      let (a, b) = (first[expert * 24..<(expert + 1) * 24], turned[(2 - expert) * 24..<(3 - expert) * 24])
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-6 })
    }
    var scaled = try bindings("llama", experts, gate: "hidden")
    scaled["scale"] = .value(.number(4))
    #expect(try run("moe", scaled).tensor(name).floats == first.map { $0 * 4 })
  }

  @Test("need prompts that fit the experts")
  func refusals() throws {
    let experts = try #require(Self.golden["llama"]?["routers"]?.array?.first?["experts"]?.array)
    func message(_ change: (inout [String: Binding]) throws -> Void) throws -> String {
      var bindings = try bindings("llama", experts, gate: "hidden")
      try change(&bindings)
      do {
        _ = try operation("moe", bindings).outline()
        return "nothing is wrong"
      } catch { return (error as? OperationError)?.message ?? "\(error)" }
    }
    func lists(_ texts: [[String]]) -> Binding { .value(.list(texts.map { .list($0.map(Value.text)) })) }
    let cases: [(String, (inout [String: Binding]) throws -> Void)] = [
      ("nothing is wrong", { _ in }),
      ("routers are to begin from prompts, and `moe` is given none", { $0["prompts"] = nil }),
      ("`moe` has 3 experts and 2 lists of `prompts`", { $0["prompts"] = lists([["a"], ["b"]]) }),
      ("`moe` has 3 experts and 1 lists of `negative_prompts`", { $0["negative_prompts"] = lists([["a"]]) }),
      ("`prompts` of `moe` has none for `experts[1]`", { $0["prompts"] = lists([["a"], [], ["c"]]) }),
      (
        "all experts have the same prompts, so each router would score them alike",
        {
          $0["prompts"] = lists([["a"], ["a"], ["a"]])
          $0["negative_prompts"] = nil
        }
      ),
      (
        "`moe` is given `shared_prompts` and no shared expert",
        { $0["shared_prompts"] = .value(.list([.text("a")])) }
      ),
      (
        "the gate of the shared expert is to begin from prompts too, and there are none",
        { $0["shared"] = .contents([try model("llama", label: "shared")]) }
      ),
      (
        "`moe` is given `prompts`, and routers that begin `.random` look at no prompts",
        { $0["gate"] = .value(.choice("random")) }
      ),
      (
        "the prompt `\(String(repeating: "x", count: 40))…` has 201 tokens, and `base` reads 128",
        { $0["prompts"] = lists([["a"], ["b"], [String(repeating: "x", count: 200)]]) }
      ),
      (
        "`base` has no `tokenizer.json`, so it cannot read texts",
        {
          var base = try model("llama")
          base.files = []
          $0["base"] = .contents([base])
        }
      ),
      (
        "the tokenizer of `base` makes no token of the prompt ``",
        {
          var base = try model("llama")
          base.files.removeLast()
          $0["base"] = .contents([base])
          $0["prompts"] = lists([["a"], ["b"], [""]])
        }
      ),
      (
        "`base` has 3 layers, and its configuration asks for 2",
        {
          var base = try model("llama")
          base.facts = base.facts.setting("num_hidden_layers", to: 2)
          $0["base"] = .contents([base])
        }
      ),
    ]
    for (expected, change) in cases { #expect(try message(change) == expected) }
  }

  @Test("are refused where the base overflows on the way")
  func overflow() throws {
    let experts = try #require(Self.golden["llama"]?["routers"]?.array?.first?["experts"]?.array)
    var bindings = try bindings("llama", experts, gate: "hidden")
    var base = try model("llama")
    base.tensors = try base.tensors.map { entry in
      let factors: [String: Float] = [
        "model.layers.0.mlp.up_proj.weight": 1e4, "model.layers.0.mlp.down_proj.weight": 1e38,
      ]
      guard let factor = factors[entry.name] else { return entry }
      return TensorEntry(entry.name, Tensor(try entry.load().floats.map { $0 * factor }, shape: entry.shape))
    }
    bindings["base"] = .contents([base])
    #expect {
      _ = try run("moe", bindings)
    } throws: {
      ($0 as? OperationError)?.message == "what goes into layer 1 of `base` is too large for float32"
    }
  }
}
