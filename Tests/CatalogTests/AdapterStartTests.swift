import Catalog
import Diagnostics
import Formats
import Operations
import Tensors
import Testing

@Suite("Starts, extraction and compression of adapters")
struct AdapterStartTests {
  private func model(_ tensors: [(String, DoubleMatrix)], _ kind: ArtifactKind = .checkpoint) -> Content {
    let entries = tensors.map { name, matrix in
      TensorEntry(name, Tensor(matrix.entries.map { Float($0) }, shape: [matrix.rows, matrix.columns]))
    }
    return Content(kind, tensors: entries, label: kind == .delta ? "delta" : "base")
  }

  private func random(_ rows: Int, _ columns: Int, _ name: String) -> DoubleMatrix {
    var generator = Generator(seed: 5, stream: name)
    return DoubleMatrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.gaussian() })
  }

  private func start(_ name: String, _ base: Content, _ settings: [String: Value]) throws -> Content {
    var bindings = settings.mapValues { Binding.value($0) }
    bindings[base.kind == .delta ? "delta" : "base"] = .contents([base])
    return try run(name, bindings)
  }

  /// What an adapter adds to a layer.
  private func change(_ adapter: Content, _ name: String, _ shape: Shape) throws -> DoubleMatrix {
    let zeros = Content(
      .checkpoint, tensors: [TensorEntry(name, Tensor([Float](repeating: 0, count: shape.count), shape: shape))],
      label: "zeros")
    return DoubleMatrix(
      try run("attach", ["base": .contents([zeros]), "adapter": .contents([adapter])]).tensor(name))
  }

  private func message(_ name: String, _ base: Content, _ settings: [String: Value]) -> String {
    do {
      for tensor in try start(name, base, settings).tensors { _ = try tensor.load() }
      return ""
    } catch let error as OperationError {
      return ([error.message] + error.helps).joined(separator: "; ")
    } catch { return "\(error)" }
  }

  // MARK: Starts

  @Test("PiSSA by a sketch is near the exact one, and its residual exact all the same") func sketched() throws {
    let weight = random(30, 3, "a") * random(3, 20, "b") + 0.01 * random(30, 20, "c")
    let base = model([("q.weight", weight)])
    let exact = try change(start("pissa", base, ["rank": .number(3)]), "q.weight", [30, 20])
    let settings: [String: Value] = ["rank": .number(3), "power_iterations": .number(4)]
    let sketched = try start("pissa", base, settings)
    #expect((try change(sketched, "q.weight", [30, 20]) - exact).norm < 1e-4 * exact.norm)
    let residual = try run("residual", ["base": .contents([base]), "adapter": .contents([sketched])])
    let whole = try run("attach", ["base": .contents([residual]), "adapter": .contents([sketched])])
    #expect((DoubleMatrix(try whole.tensor("q.weight")) - weight).norm < 1e-6 * weight.norm)
    #expect(try start("pissa", base, settings).tensors[0].load().hasSameBytes(as: sketched.tensors[0].load()))
  }

  @Test("LDU of full rank is the weight, whatever its shape", arguments: [(5, 5), (7, 3), (3, 7)])
  func triangles(rows: Int, columns: Int) throws {
    let weight = random(rows, columns, "ldu")
    let adapter = try start("ldu", model([("q.weight", weight)]), ["rank": .number(Double(min(rows, columns)))])
    #expect((try change(adapter, "q.weight", [rows, columns]) - weight).norm < 1e-5 * weight.norm)
  }

  @Test("A Kronecker sum is found again, by energy and by the knee, and its error is the tail's") func kronecker()
    throws
  {
    let terms = (0..<2).map { random(3, 2, "u\($0)").kronecker(random(2, 4, "v\($0)")) }
    let weight = terms[0] + terms[1]
    let noisy = weight + 1e-3 * random(6, 8, "noise")
    for settings: [String: Value] in [["energy": .number(0.9999)], ["energy": .number(1), "elbow": .flag(true)]] {
      let found = try start(
        "kpsvd", model([("q.weight", noisy)]),
        settings.merging(["rank": .number(4), "factor": .number(3)]) { _, new in new })
      // `factor` divides 6 but not 8, whose divisors nearest the root are 2 and 4.
      #expect(try found.tensor("base_model.model.q.soka_u").shape.axes.dropFirst() == [3, 2])
      let terms = try #require(found.facts["mergekit"]?["terms"]?["q"]?.number)
      #expect(settings["elbow"] == nil ? terms == 2 : terms == 3)
      let error = try #require(found.facts["mergekit"]?["relative_error"]?["q"]?.number)
      let lost = (try change(found, "q.weight", [6, 8]) - noisy).norm / noisy.norm
      #expect(abs(lost - error) < 1e-6)
    }
    let one = try start("kpsvd", model([("q.weight", terms[0])]), ["rank": .number(1), "factor": .number(3)])
    #expect(one.facts["peft_type"] == "LOKR")
    #expect((try change(one, "q.weight", [6, 8]) - terms[0]).norm < 1e-5 * terms[0].norm)
  }

  @Test("A new LoRA, a new Tucker adapter and residuals change nothing") func beginnings() throws {
    let base = try Samples(seed: 9).content(.checkpoint, label: "base")
    for start in ["lora_init", "tucker"] {
      let adapter = try run(start, ["base": .contents([base]), "rank": .value(.number(2))])
      let made = try run("attach", ["base": .contents([base]), "adapter": .contents([adapter])])
      for entry in base.tensors { #expect(try made.tensor(entry.name).hasSameBytes(as: entry.load())) }
    }
    let dora = try run(
      "lora_init", ["base": .contents([base]), "rank": .value(.number(2)), "dora": .value(.flag(true))])
    let made = try run("attach", ["base": .contents([base]), "adapter": .contents([dora])])
    for entry in base.tensors {
      #expect(zip(try made.tensor(entry.name).doubles, try entry.load().doubles).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    #expect(dora.facts["use_dora"] == true && dora.tensors.count == 6)
    let bound = 1 / 5.0.squareRoot()
    let a = try run(
      "lora_init",
      ["base": .contents([base]), "rank": .value(.number(3)), "targets": .value(.list([.text("layers.1")]))]
    )
    .tensor("base_model.model.layers.1.lora_A.weight")
    #expect(a.doubles.allSatisfy { abs($0) <= bound } && a.doubles.contains { abs($0) > bound / 2 })
  }

  // MARK: From a change

  @Test("What is extracted loses what it says, and no more rank than asked for") func extraction() throws {
    let change = random(8, 3, "a") * random(3, 6, "b") + 0.05 * random(8, 6, "c")
    let delta = model([("q.weight", change), ("v.weight", random(6, 6, "d"))], .delta)
    for settings: [String: Value] in [
      ["rank": .number(2)], ["rank": .number(6), "energy": .number(0.9)], ["rank": .number(6), "error": .number(0.2)],
    ] {
      let adapter = try start("extract_lora", delta, settings)
      for (path, shape) in [("q", Shape([8, 6])), ("v", [6, 6])] {
        let wanted = DoubleMatrix(try delta.tensor(path + ".weight"))
        let one = Content(
          .adapter, facts: adapter.facts, tensors: adapter.tensors.filter { $0.name.contains(".\(path).") }, label: "x")
        let lost = (try self.change(one, path + ".weight", shape) - wanted).norm / wanted.norm
        let said = try #require(adapter.facts["mergekit"]?["relative_error"]?[path]?.number)
        #expect(abs(lost - said) < 1e-6)
        if settings["error"] != nil { #expect(lost <= 0.2) }
        if settings["energy"] != nil { #expect(1 - lost * lost >= 0.9 - 1e-9) }
      }
    }
    let exact = try start("extract_lora", delta, ["rank": .number(6)])
    let base = model([("q.weight", random(8, 6, "w")), ("v.weight", random(6, 6, "z"))])
    let report = try run(
      "inspect_lora", ["adapter": .contents([exact]), "base": .contents([base]), "delta": .contents([delta])])
    #expect(try #require(report.facts["lost"]?.number) < 1e-6)
    #expect(report.facts["left_out"]?.number == 0)
    let part = try run(
      "inspect_lora",
      ["adapter": .contents([only("q", exact)]), "base": .contents([base]), "delta": .contents([delta])])
    let (q, v) = (DoubleMatrix(try delta.tensor("q.weight")).norm, DoubleMatrix(try delta.tensor("v.weight")).norm)
    #expect(abs(try #require(part.facts["left_out"]?.number) - v * v / (q * q + v * v)) < 1e-12)
  }

  @Test("Tucker's compression of a kernel says its error, and finds a low core again") func tucker() throws {
    var generator = Generator(seed: 2, stream: "kernel")
    func matrix(_ rows: Int, _ columns: Int) -> DoubleMatrix {
      DoubleMatrix(rows: rows, columns: columns, (0..<rows * columns).map { _ in generator.gaussian() })
    }
    // Of outputs 4, inputs 5 and a kernel of 3×3: low in every axis.
    let inner = matrix(5, 2).kronecker(matrix(3, 2)).kronecker(matrix(3, 1))
    let kernel = matrix(4, 2) * matrix(2, 4) * inner.transposed
    let delta = Content(
      .delta, tensors: [TensorEntry("c.weight", Tensor(kernel.entries.map { Float($0) }, shape: [4, 5, 3, 3]))],
      label: "delta")
    let found = try start("compress", delta, ["rank": .number(2), "targets": .list([.text("c")])])
    #expect(try #require(found.facts["mergekit"]?["relative_error"]?["c"]?.number) < 1e-6)
    let zeros = Content(
      .checkpoint, tensors: [TensorEntry("c.weight", Tensor([Float](repeating: 0, count: 180), shape: [4, 5, 3, 3]))],
      label: "zeros")
    let made = try run("attach", ["base": .contents([zeros]), "adapter": .contents([found])]).tensor("c.weight")
    #expect(zip(made.doubles, kernel.entries).allSatisfy { abs($0 - $1) < 1e-4 })
  }

  @Test("Weighted factors lose less by weight and more by norm than plain ones") func factorized() throws {
    let base = try Samples(seed: 4).content(.checkpoint, label: "base")
    var fisher = try Samples(seed: 4).content(.fisher, label: "fisher")
    fisher.tensors = fisher.tensors.map { entry in
      TensorEntry(entry.name, dtype: .f32, shape: entry.shape) {
        let width = entry.shape.axes.last ?? 1
        return Tensor((0..<entry.shape.count).map { Float($0 % width * 3) }, shape: entry.shape)
      }
    }
    let plain = try run("factorize", ["base": .contents([base]), "rank": .value(.number(2))])
    let weighted = try run(
      "factorize", ["base": .contents([base]), "fisher": .contents([fisher]), "rank": .value(.number(2))])
    for path in ["layers.0", "layers.1"] {
      func lost(_ adapter: Content, _ weights: (Int) -> Double) throws -> Double {
        let shape = try #require(base.entry(path + ".weight")).shape
        let part = Content(
          .adapter, facts: adapter.facts, tensors: adapter.tensors.filter { $0.name.contains(path) }, label: "x")
        let missed = DoubleMatrix(try base.tensor(path + ".weight")) - (try change(part, path + ".weight", shape))
        return missed.scalingColumns(by: (0..<shape[1]).map(weights)).norm
      }
      let importance = { (input: Int) in Double(input).squareRoot() }
      #expect(try lost(weighted, importance) < lost(plain, importance))
      #expect(try lost(weighted) { _ in 1 } >= lost(plain) { _ in 1 } - 1e-9)
    }
  }

  @Test("A matrix of low rank is completed from a third of its entries") func completion() throws {
    let whole = random(120, 3, "u") * random(3, 80, "v")
    var generator = Generator(seed: 1, stream: "mask")
    let known = DoubleMatrix(
      rows: 120, columns: 80, whole.entries.map { generator.uniform() < 0.35 ? $0 : 0 })
    let adapter = try start(
      "complete", model([("q.weight", known)], .delta), ["rank": .number(3), "ridge": .number(1e-12)])
    #expect((try change(adapter, "q.weight", [120, 80]) - whole).norm < 1e-5 * whole.norm)
    #expect(try #require(adapter.facts["mergekit"]?["coverage"]?["q"]?.number) > 0.3)
  }

  @Test("A deeper model has each layer for a stage") func depth() throws {
    var samples = Samples(seed: 1)
    samples.shapes = (0..<5).map { ("layers.\($0).weight", [3, 3]) }
    let base = try samples.content(.checkpoint, label: "base")
    let made = try run("expand_depth", ["base": .contents([base]), "depth": .value(.number(12))])
    for (layer, source) in [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4].enumerated() {
      #expect(try made.tensor("layers.\(layer).weight").hasSameBytes(as: base.tensor("layers.\(source).weight")))
    }
    #expect(
      message("expand_depth", base, ["depth": .number(1), "sources": .list([.number(7)])]).contains("layers 0 to 4"))
  }

  // MARK: Merging

  @Test("Merges of several kinds are exact by concatenation, and as near as a rank allows by decomposition")
  func merging() throws {
    let base = try Samples(seed: 6).content(.checkpoint, label: "base")
    let bindings: [String: Binding] = ["base": .contents([base]), "rank": .value(.number(2))]
    let adapters =
      try ["pissa", "ldu"].map { try run($0, bindings) } + [try Samples(seed: 6).content(.adapter, label: "c")]
    let weights = [0.5, -1.5, 2]
    var merge: [String: Binding] = [
      "adapters": .contents(adapters), "weights": .value(.list(weights.map(Value.number))),
    ]
    let exact = try run("adapter_merge", merge)
    merge["method"] = .value(.choice("svd"))
    let near = try run("adapter_merge", merge)
    for path in ["layers.0", "layers.1"] {
      let shape = try #require(base.entry(path + ".weight")).shape
      func part(_ adapter: Content) throws -> DoubleMatrix {
        let tensors = adapter.tensors.filter { $0.name.contains(path) }
        return try change(
          Content(.adapter, facts: adapter.facts, tensors: tensors, label: "x"), path + ".weight", shape)
      }
      let parts = try adapters.map(part)
      let sum = 0.5 * parts[0] + -1.5 * parts[1] + 2 * parts[2]
      #expect((try part(exact) - sum).norm < 1e-5 * sum.norm)
      let best = try #require(SingularValues(sum)).first(2).matrix
      #expect((try part(near) - best).norm < 1e-5 * sum.norm)
      let said = try #require(near.facts["mergekit"]?["relative_error"]?[path]?.number)
      #expect(abs(said - (sum - best).norm / sum.norm) < 1e-5)
    }
  }

  @Test("A pooled skill is its adapter again, and all alike are their mean", arguments: [1, 2]) func pooling(
    splits: Int
  ) throws {
    var samples = Samples(seed: 8)
    samples.shapes = [("q.weight", [6, 4]), ("v.weight", [2, 8])]
    let adapters = try ["a", "b", "c"].map { try samples.content(.adapter, label: $0) }
    let pool = try run("pool", ["adapters": .contents(adapters), "splits": .value(.number(Double(splits)))])
    for (task, adapter) in adapters.enumerated() {
      let routed = try run("route", ["inventory": .contents([pool]), "task": .value(.number(Double(task)))])
      let one = try change(only("q", routed), "q.weight", [6, 4])
      #expect((one - (try change(only("q", adapter), "q.weight", [6, 4]))).norm < 1e-5 * one.norm)
    }
    let mean = try run("route", ["inventory": .contents([pool])])
    let name = "base_model.model.v.lora_A.weight"
    let expected = try adapters.map { DoubleMatrix(try $0.tensor(name)) }
    let found = DoubleMatrix(try mean.tensor(name))
    #expect((found - (1 / 3) * (expected[0] + expected[1] + expected[2])).norm < 1e-6)
  }

  private func only(_ path: String, _ adapter: Content) -> Content {
    let tensors = adapter.tensors.filter { $0.name.contains(".\(path).") }
    return Content(.adapter, facts: adapter.facts, tensors: tensors, label: adapter.label)
  }

  // MARK: Bad input

  @Test("Bad settings and inputs are named") func bad() throws {
    let base = model([("m.q_proj.weight", random(4, 6, "q")), ("m.zero.weight", DoubleMatrix(zeros: 4, 4))])
    let rank = Value.number(2)
    #expect(
      message("pissa", base, ["rank": rank, "targets": .list([.text("q_porj")])])
        == "`targets` of `pissa` has `q_porj`, and `base` has no layer like it; did you mean `q_proj`?")
    #expect(
      message("olora", base, ["rank": .number(5)]).hasPrefix(
        "`olora` is to have rank 5, and `m.q_proj.weight` is 4×6, so 4 at most"))
    #expect(
      message("ldu", base, ["rank": rank]).hasPrefix("pivot 0 of `m.zero.weight` is zero up to rounding"))
    let steps = (1...6).map(Double.init)
    let flat = DoubleMatrix(rows: 4, columns: 1, Array(steps.prefix(4))) * DoubleMatrix(rows: 1, columns: 6, steps)
    #expect(message("ldu", model([("q.weight", flat)]), ["rank": rank]).hasPrefix("pivot 1 of `q.weight` is zero"))
    let nothing = model([("q.weight", DoubleMatrix(zeros: 4, 4))], .delta)
    #expect(message("extract_lora", nothing, ["rank": rank]).hasPrefix("`delta` is zero in every layer"))
    #expect(message("complete", nothing, ["rank": rank]).hasPrefix("`delta` is zero in every layer"))
    var odd = random(4, 4, "odd")
    odd[1, 2] = .nan
    #expect(
      message("pissa", model([("q.weight", odd)]), ["rank": rank]).hasPrefix(
        "`q.weight` of `base` holds NaN, first at entry 6"))
    let adapter = try start("lora_init", model([("q.weight", random(4, 6, "q"))]), ["rank": rank])
    let other = model([("q.weight", random(4, 8, "q"))])
    let error = #expect(throws: OperationError.self) {
      try operation("attach", ["base": .contents([other]), "adapter": .contents([adapter])]).outline()
    }
    #expect(error?.message.hasSuffix("changes `q.weight` as 4×6, and in `base` it is 4×8") == true)
  }

  @Test("PEFT's target patterns: ends of paths, all linear layers but the head, globs") func targets() throws {
    let names = ["model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj", "lm_head"]
    let base = model(names.map { ($0 + ".weight", random(4, 4, $0)) })
    func found(_ patterns: String...) throws -> [String] {
      let adapter = try start("lora_init", base, ["rank": .number(1), "targets": .list(patterns.map(Value.text))])
      return (adapter.facts["target_modules"]?.array ?? []).compactMap(\.string)
    }
    #expect(try found("all-linear") == Array(names[1...2]) && found("all_linear") == Array(names[1...2]))
    #expect(try found("up_proj", "q_proj") == Array(names[1...2]))
    #expect(try found("*.self_attn.*", "lm_head") == [names[1], names[3]])
    #expect(
      message("lora_init", base, ["rank": .number(1), "targets": .list([.text("proj")])]).contains("no layer like it"))
  }

  @Test("Models that keep weights transposed are told by their type") func transposed() throws {
    var base = model([("h.0.attn.c_attn.weight", random(4, 12, "w"))])
    base.facts = ["model_type": "gpt2"]
    let adapter = try start("pissa", base, ["rank": .number(4)])
    #expect(adapter.facts["fan_in_fan_out"] == true)
    #expect(try adapter.tensor("base_model.model.h.0.attn.c_attn.lora_A.weight").shape == [4, 4])
    #expect(try adapter.tensor("base_model.model.h.0.attn.c_attn.lora_B.weight").shape == [12, 4])
    let residual = try run("residual", ["base": .contents([base]), "adapter": .contents([adapter])])
    #expect(DoubleMatrix(try residual.tensor("h.0.attn.c_attn.weight")).norm < 1e-5)
  }
}
