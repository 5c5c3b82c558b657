import Catalog
import Diagnostics
import Operations
import Synchronization
import Tensors
import Testing

/// Merges by singular vectors: against plain versions of themselves, and where matrices are odd.
@Suite("Spectral merges") struct SpectralMergeTests {
  private static let names = ["iso_c", "iso_cts", "tsv_m", "wudi", "knots"]
  private static let shapes: [Shape] = [[6, 5], [5, 6], [12, 4], [4, 12], [9, 9]]

  private func random(_ shape: Shape, _ stream: String, times scale: Double = 1) -> Tensor {
    var generator = Generator(seed: 5, stream: stream)
    return Tensor((0..<shape.count).map { _ in Float(scale * generator.gaussian()) }, shape: shape)
  }

  private func model(_ tensors: [(String, Tensor)], _ label: String) -> Content {
    Content(.checkpoint, tensors: tensors.map { TensorEntry($0.0, $0.1) }, label: label)
  }

  private func merge(
    _ name: String, _ changes: [Tensor], base: Tensor, _ settings: [String: Value] = [:]
  ) throws -> Tensor {
    let models = changes.enumerated().map { index, change in model([("w", base + change)], "models[\(index)]") }
    var bindings: [String: Binding] = ["models": .contents(models), "base": .contents([model([("w", base)], "base")])]
    for (name, value) in settings { bindings[name] = .value(value) }
    return try run(name, bindings).tensor("w")
  }

  /// The changes as the merge sees them: after the models were rounded.
  private func plain(_ changes: [Tensor], base: Tensor) -> [PlainMatrix] {
    changes.map { change in
      PlainMatrix(zip((base + change).doubles, base.doubles).map { $0 - $1 }, width: base.shape[1])
    }
  }

  private func expect(
    _ found: Tensor, _ base: Tensor, plus change: PlainMatrix, times scale: Double = 1, _ what: Comment
  ) {
    let expected = zip(base.doubles, change.entries).map { $0 + scale * $1 }
    let largest = expected.map(abs).max() ?? 0
    for (a, b) in zip(found.doubles, expected) { #expect(abs(a - b) <= 1e-6 * largest, what) }
  }

  // MARK: What the papers say

  @Test("are what their papers say step by step", arguments: shapes, 1...4) func papers(shape: Shape, count: Int) throws
  {
    let base = random(shape, "base")
    let changes = (0..<count).map { random(shape, "change \($0)", times: 0.3) }
    let plain = plain(changes, base: base)
    let what: Comment = "\(shape), \(count) models"
    expect(
      try merge("iso_c", changes, base: base, ["scale": .number(1.5)]), base, plus: PlainSpectralMerge.isoC(plain),
      times: 1.5, what)
    for common in [0.2, 0.5, 0.8, 1] where (1 - common) * Double(min(shape[0], shape[1])) + 1 >= Double(count) {
      expect(
        try merge("iso_cts", changes, base: base, ["common": .number(common)]), base,
        plus: PlainSpectralMerge.isoCts(plain, common: common), "\(what) \(common)")
    }
    expect(try merge("tsv_m", changes, base: base), base, plus: PlainSpectralMerge.tsvM(plain), what)
    expect(
      try merge("wudi", changes, base: base, ["steps": .number(20), "rate": .number(0.001)]), base,
      plus: PlainSpectralMerge.wudi(plain, steps: 20, rate: 0.001), what)
    for density in [0.1, 0.2, 0.5, 1] {
      expect(
        try merge("knots", changes, base: base, ["density": .number(density)]), base,
        plus: PlainSpectralMerge.knots(plain, density: density), times: 0.6, "\(what) \(density)")
    }
  }

  @Test("are calibrated as the paper says", arguments: shapes, [0.1, 0.2, 1]) func calibration(
    shape: Shape, alpha: Double
  ) throws {
    let base = random(shape, "base")
    let changes = (0..<3).map { random(shape, "change \($0)", times: 0.3) }
    let merged = random(shape, "merged", times: 0.4)
    let models = (changes + [merged]).map { model([("w", base + $0)], "") }
    let found = try run(
      "svc",
      [
        "merged": .contents([models[3]]), "models": .contents(Array(models[..<3])),
        "base": .contents([model([("w", base)], "base")]), "alpha": .value(.number(alpha)),
      ]
    ).tensor("w")
    let plain = plain(changes + [merged], base: base)
    expect(
      found, base, plus: PlainSpectralMerge.svc(plain[3], Array(plain[..<3]), alpha: alpha), "\(shape) \(alpha)")
  }

  // MARK: Copies, zeros, opposites

  @Test("of one model are its own change where the paper makes nothing of it") func oneModel() throws {
    let (base, change) = (random([8, 5], "base"), random([8, 5], "change", times: 0.2))
    let own = plain([change], base: base)[0]
    expect(try merge("tsv_m", [change], base: base), base, plus: own, "tsv_m")
    expect(
      try merge("knots", [change], base: base, ["density": .number(1)]), base, plus: own, times: 0.6, "knots")
    // The start is where the loss is least already.
    expect(try merge("wudi", [change], base: base), base, plus: own, "wudi")
  }

  @Test("of copies count what they share once, also where ranks are low") func copies() throws {
    let base = random([8, 6], "base")
    // Whole numbers, so that models keep their changes' rank.
    let thin = Tensor(
      (0..<48).map { Float([1, -2, 3, 1, 2, -1, 4, 1][$0 / 6] * [2, 1, -1, 3, 1, 2][$0 % 6]) }, shape: [8, 6])
    let zero = Tensor([Float](repeating: 0, count: 48), shape: [8, 6])
    let own = PlainMatrix(thin.doubles, width: 6)
    expect(try merge("tsv_m", [thin, thin], base: zero), zero, plus: own, "tsv_m of copies")
    expect(try merge("tsv_m", [thin, thin, zero], base: zero), zero, plus: own, "tsv_m of copies and the base")
    expect(
      try merge("knots", [thin, thin], base: zero, ["density": .number(1), "scale": .number(1)]), zero, plus: own,
      "knots of copies")
    // The sum has one direction, twice as long as each model's; the mean over six is a third of that.
    for name in ["iso_c", "iso_cts"] {
      expect(try merge(name, [thin, thin], base: zero), zero, plus: 1 / 3 * own, "\(name) of copies")
    }
    let models = [thin, thin].map { model([("w", $0)], "") }
    let calibrated = try run(
      "svc",
      [
        "merged": .contents([model([("w", 2 * thin)], "")]), "models": .contents(models),
        "base": .contents([model([("w", zero)], "")]),
      ])
    expect(try calibrated.tensor("w"), zero, plus: own, "svc of a sum of copies")
    // Opposite changes leave nothing to make isotropic.
    expect(try merge("iso_c", [thin, -1 * thin], base: base), base, plus: 0 * own, "iso_c of opposites")
  }

  @Test("of models that are the base give the base", arguments: names) func zeros(name: String) throws {
    let base = random([5, 7], "base")
    let zero = Tensor([Float](repeating: 0, count: 35), shape: [5, 7])
    #expect(try merge(name, [zero, zero, zero], base: base).hasSameBytes(as: base))
    // And one that has changed beside one that has not gives numbers.
    let made = try merge(name, [random([5, 7], "change"), zero], base: base)
    #expect(made.firstNonFinite == nil && !made.hasSameBytes(as: base))
  }

  @Test("of equal singular values are made, the same each time", arguments: names) func equalValues(name: String) throws
  {
    let zero = Tensor([Float](repeating: 0, count: 36), shape: [6, 6])
    let identity = Tensor((0..<36).map { Float($0 % 7 == 0 ? 1 : 0) }, shape: [6, 6])
    let turned = Tensor((0..<36).map { Float($0 / 6 + $0 % 6 == 5 ? -1 : 0) }, shape: [6, 6])
    for changes in [[identity], [identity, identity], [identity, turned], [turned, identity, 2 * turned]] {
      let made = try merge(name, changes, base: zero)
      #expect(made.firstNonFinite == nil)
      #expect(try merge(name, changes, base: zero).hasSameBytes(as: made))
    }
    expect(
      try merge("iso_c", [identity, identity], base: zero), zero, plus: PlainMatrix((2 * identity).doubles, width: 6),
      "")
  }

  @Test(
    "are made of thin, long and empty matrices", arguments: names,
    [[1, 1], [1, 9], [9, 1], [0, 4], [4, 0], [2, 3]])
  func thin(name: String, axes: [Int]) throws {
    let shape = Shape(axes)
    let changes = (0..<3).map { random(shape, "change \($0)") }
    let made = try merge(name, changes, base: random(shape, "base"))
    #expect(made.shape == shape && made.firstNonFinite == nil)
  }

  // MARK: What is no matrix, or not to be treated as one

  @Test("average what is no matrix and what is excluded, and leave whole numbers alone", arguments: names)
  func others(name: String) throws {
    let shapes: [(String, Shape)] = [("bias", [6]), ("conv", [2, 3, 2]), ("embed.weight", [6, 4]), ("w", [6, 4])]
    func made(_ label: String) -> Content {
      let ids = Tensor([label.count, 2], shape: [2])
      return model(shapes.map { ($0.0, random($0.1, "\(label) \($0.0)")) } + [("ids", ids)], label)
    }
    let (models, base) = (["first", "second"].map(made), made("base"))
    let merged = try run(
      name,
      [
        "models": .contents(models), "base": .contents([base]), "scale": .value(.number(0.5)),
        "exclude": .value(.list([.text("embed.*")])),
      ])
    for tensor in ["bias", "conv", "embed.weight"] {
      let (start, ends) = (try base.tensor(tensor).doubles, try models.map { try $0.tensor(tensor).doubles })
      for (entry, found) in try merged.tensor(tensor).doubles.enumerated() {
        let expected = start[entry] + 0.5 * ((ends[0][entry] + ends[1][entry]) / 2 - start[entry])
        #expect(abs(found - expected) <= 1e-6)
      }
    }
    let mean = Tensor.weightedSum(
      [try base.tensor("w")] + (try models.map { try $0.tensor("w") }), weights: [0.5, 0.25, 0.25])
    #expect(try !merged.tensor("w").hasSameBytes(as: mean))
    #expect(try merged.tensor("ids").integers == base.tensor("ids").integers)
  }

  @Test("refuse patterns that no tensor is like, and matrices that are too large", arguments: names)
  func refusals(name: String) throws {
    func error(_ shape: Shape, _ exclude: [Value] = []) throws -> OperationError? {
      let content = Content(
        .checkpoint, tensors: [TensorEntry(foreseen: "w", dtype: .f32, shape: shape)], label: "base")
      let operation = try operation(
        name,
        [
          "models": .contents([content, content]), "base": .contents([content]), "exclude": .value(.list(exclude)),
        ])
      do { _ = try operation.outline() } catch { return error as? OperationError }
      #expect(operation.memory() > 0)
      return nil
    }
    #expect(try error([3, 3]) == nil)
    #expect(
      try error([3, 3], [.text("v*")])?.message == "`exclude` of `\(name)` has `v*`, which no tensor of `base` is like")
    let large = try error([30_000, 30_000])
    if name == "wudi" {
      #expect(large == nil)
    } else {
      #expect(
        large?.message == "`w` is 30000×30000, and `\(name)` would decompose a matrix whose lesser side is 30000: "
          + "at most 20000 can be done")
    }
    #expect(try error([30_000, 30_000], [.text("w")]) == nil)
    // Wide ones beside one another are no longer wide.
    #expect(try (error([30_000, 15_000]) == nil) == (name != "knots"))
  }

  @Test("stop within a tensor where they go step by step") func cancelled() throws {
    let base = model([("w", random([4, 4], "base"))], "base")
    let wudi = try operation(
      "wudi",
      [
        "models": .contents([model([("w", random([4, 4], "a"))], "a")]), "base": .contents([base]),
        "steps": .value(.number(1_000_000)),
      ])
    let calls = Calls()
    let context = Context(isCancelled: { calls.next() > 100 }, scratch: { "" })
    let made = try wudi.run(context).content
    #expect(throws: OperationError(.interrupted, "interrupted")) { try made.tensor("w") }
    #expect(calls.next() < 200)
  }

  @Test("say how much memory their matrices take", arguments: names + ["svc"]) func memory(name: String) throws {
    func need(_ shapes: [Shape], count: Int) throws -> Int {
      let content = Content(
        .checkpoint,
        tensors: shapes.enumerated().map { TensorEntry(foreseen: "w\($0)", dtype: .f32, shape: $1) }, label: "base")
      var bindings: [String: Binding] = [
        "models": .contents([Content](repeating: content, count: count)), "base": .contents([content]),
      ]
      if name == "svc" { bindings["merged"] = .contents([content]) }
      return try operation(name, bindings).memory()
    }
    let one = try need([[2000, 1000]], count: 2)
    // The changes of the models and the base, at least, in float64.
    #expect(one > (16 << 20) + 3 * 8 * 2_000_000)
    #expect(try need([[2000, 1000]], count: 4) >= one)
    #expect(try need([[2000, 1000], [10]], count: 2) <= one + 10 * 8 * 8)
    // However many there are and on however many processors, no more are worked on at once than there is room for.
    let many = try need([Shape](repeating: [2000, 1000], count: 1000), count: 2)
    #expect(many >= one && many <= max(one, (16 << 20) + MemoryRoom.bytes))
  }
}

/// Counts how often it is asked.
private final class Calls: Sendable {
  private let count = Mutex(0)

  func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }
}
