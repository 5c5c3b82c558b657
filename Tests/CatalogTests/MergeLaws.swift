import Catalog
import Diagnostics
import Operations
import Tensors
import Testing

@Suite("Merges")
struct MergeLaws {
  private static let referenced = Operations.Catalog.standard.entries.filter { $0.operation is any Referenced.Type }
    .map(\.signature.name)
  private static let merges = Operations.Catalog.standard.entries.map(\.signature).filter { signature in
    signature.output == .checkpoint
      && signature.slots.contains { $0.type == .list(.artifact(.checkpoint)) && $0.role == .input }
      && keepsTensors(signature)
  }.map(\.name)

  /// Whether the result has the tensors of its models: a mixture of experts has others.
  private static func keepsTensors(_ signature: Signature) -> Bool {
    guard let bindings = try? Samples(seed: 0).bindings(for: signature),
      let step = try? operation(signature.name, bindings), let outline = try? step.outline(),
      let lead = step.inputs.first?.contents.first
    else { return false }
    return Set(outline.tensors.map(\.name)).isSuperset(of: lead.tensors.map(\.name))
  }

  // MARK: Law: the fast path equals the reference

  @Test("equal their references on 200 seeded cases", arguments: referenced)
  func seeded(name: String) throws {
    for seed in 0..<200 {
      var generator = Generator(seed: seed, stream: "shape of a case")
      var samples = Samples(seed: seed)
      samples.dtype = [.f32, .bf16, .f16, .f64][seed % 4]
      samples.shapes = (0..<3).map {
        ("layers.\($0).weight", [generator.integer(below: 7), 1 + generator.integer(below: 41)])
      }
      // A few are long enough to need several blocks.
      samples.shapes.append(("norm.weight", [1 + generator.integer(below: seed % 20 == 0 ? 4999 : 199)]))
      try check(name, samples, count: 1 + seed % 4, seed: seed)
    }
  }

  @Test("equal their references where entries are odd", arguments: referenced)
  func nasty(name: String) throws {
    let entries: [(String, @Sendable (inout Generator) -> Float)] = [
      ("all equal", { _ in 0.3 }), ("tiny", { Float($0.gaussian() * 1e-30) }),
      ("huge", { Float($0.gaussian() * 1e30) }),
      ("zeros of both signs", { $0.uniform() < 0.5 ? 0 : -0.0 }), ("a few", { $0.uniform() < 0.9 ? 0 : 1 }),
      ("nearly parallel", { Float(1 + $0.gaussian() * 0.022) }),
    ]
    for (index, (what, entry)) in entries.enumerated() {
      for shape: Shape in [[0], [1], [7, 0, 3], [4, 4], [], [2049]] {
        var samples = Samples(seed: index)
        samples.entry = entry
        // A second tensor, so that a model has entries even where the first has none.
        samples.shapes = [("x", shape), ("y", [3])]
        try check(name, samples, count: 3, seed: index, what)
      }
    }
  }

  // MARK: Law: run by run is the same as whole

  @Test("that work run by run make what they make of whole tensors", arguments: referenced, [DType.f32, .bf16, .f16])
  func runs(name: String, dtype: DType) throws {
    var samples = Samples(seed: 5)
    samples.dtype = dtype
    samples.shapes = [("long", [3, 30_001]), ("short", [7]), ("even", [2, TensorEntry.runLength]), ("none", [0, 4])]
    let signature = try #require(Operations.Catalog.standard[name]).signature
    var bindings = try samples.bindings(for: signature, count: 3)
    bindings.merge(Samples(seed: 11).settings(for: signature, count: 3)) { _, new in new }
    for entry in try run(name, bindings).tensors {
      guard let read = try entry.runs() else { continue }
      var bytes: [UInt8] = []
      for start in stride(from: 0, to: entry.shape.count, by: TensorEntry.runLength) {
        let run = start..<min(start + TensorEntry.runLength, entry.shape.count)
        bytes += try [UInt8](unsafeUninitializedCapacity: run.count * entry.dtype.size) { target, filled in
          filled = run.count * entry.dtype.size
          try read(run, UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[..<filled]))
        }
      }
      let isSame = try Tensor(bytes: bytes, dtype: entry.dtype, shape: entry.shape).hasSameBytes(as: entry.load())
      #expect(isSame, "`\(entry.name)` of `\(name)`")
    }
  }

  /// Runs an operation with settings drawn from a seed, and compares each tensor with the reference.
  private func check(_ name: String, _ samples: Samples, count: Int, seed: Int, _ what: String = "") throws {
    let signature = try #require(Operations.Catalog.standard[name]).signature
    var bindings = try samples.bindings(for: signature, count: count)
    try samples.set(samples.settings(for: signature, count: count), in: &bindings, of: name)
    guard let merge = try operation(name, bindings) as? any Referenced else { return }
    let made: Content
    do {
      made = try merge.run(quiet).content
      for entry in made.tensors { _ = try entry.load() }
    } catch let error as OperationError where what != "" {
      // Some operations refuse models of nothing but zeros; then they say so.
      #expect(
        error.message.contains("zero everywhere") || error.message.contains("cannot hold"),
        "`\(name)`: \(error.message)")
      return
    }
    let reader = TensorReader(quiet)
    for tensor in TensorName.all(made) {
      let found = try made.tensor(tensor.text)
      let reference = try merge.reference(tensor, reader.reading(tensor.text))
      let expected = Tensor(reference.map { Float($0) }, shape: found.shape).converted(to: found.dtype)
      let bits = [DType.bf16: 8, .f16: 11][found.dtype] ?? 24
      for (entry, (fast, plain)) in zip(found.doubles, expected.doubles).enumerated() where fast != plain {
        // One step of the dtype at most: the sums may be rounded the other way at a tie.
        let step = max(
          abs(plain) * Double(sign: .plus, exponent: 1 - bits, significand: 1), found.dtype == .f16 ? 0x1p-24 : 0x1p-126
        )
        #expect(
          abs(fast - plain) <= step,
          "`\(name)`, case \(seed) \(what): entry \(entry) of `\(tensor)` is \(fast), by the reference \(plain)")
      }
    }
  }

  // MARK: Law: copies of one model merge to that model

  @Test("of copies of one model are that model, bit for bit", arguments: merges, [DType.f32, .bf16, .f16])
  func copies(name: String, dtype: DType) throws {
    let signature = try #require(Operations.Catalog.standard[name]).signature
    for seed in 0..<20 {
      var samples = Samples(seed: seed)
      samples.dtype = dtype
      samples.entry = { generator in
        let draw = generator.uniform()
        return draw < 0.1 ? -0.0 : draw < 0.2 ? 0 : Float(generator.gaussian())
      }
      let count = 1 + seed % 4
      var bindings = try samples.bindings(for: signature, count: count)
      let model = try samples.content(.checkpoint, label: "model")
      for slot in signature.slots where slot.type == .list(.artifact(.checkpoint)) {
        bindings[slot.name] = .contents([Content](repeating: model, count: max(count, slot.minimumCount)))
      }
      for slot in signature.slots where slot.type == .artifact(.checkpoint) {
        bindings[slot.name] = .contents([model])
      }
      if seed >= 4 {
        let settings = samples.settings(for: signature, count: count).filter { $0.key != "normalize" }
        try samples.set(settings, in: &bindings, of: name)
      }
      let merged = try run(name, bindings)
      for tensor in model.tensors {
        let isSame = try merged.tensor(tensor.name).hasSameBytes(as: tensor.load())
        #expect(isSame, "`\(tensor.name)` of `\(name)` of \(count) copies, case \(seed)")
      }
      #expect(merged.facts == model.facts)
    }
  }

  // MARK: Law: models that do not fit are refused before anything runs

  @Test("refuse models of another kind when they are planned", arguments: merges)
  func misfits(name: String) throws {
    let signature = try #require(Operations.Catalog.standard[name]).signature
    guard let slot = signature.slots.first(where: { $0.type == .list(.artifact(.checkpoint)) }) else { return }
    var bindings = try Samples(seed: 1).bindings(for: signature)
    guard case .contents(var models) = bindings[slot.name] else { return }
    // What reads no tensor takes models as they are.
    if try operation(name, bindings).memory() == 0 { return }
    models[1].tensors[0] = TensorEntry(foreseen: "layers.0.weight", dtype: .f32, shape: [5, 6])
    bindings[slot.name] = .contents(models)
    let wider = try operation(name, bindings)
    #expect(throws: OperationError.self) { try wider.outline() }
    models[1].tensors[0] = TensorEntry(foreseen: "layers.0.kernel", dtype: .f32, shape: [5, 4])
    bindings[slot.name] = .contents(models)
    let error = #expect(throws: OperationError.self) { try operation(name, bindings).outline() }
    let message = try #require(error?.message)
    #expect(message.hasPrefix("`layers.0.weight` is in `") && message.hasSuffix("`, but not in `\(slot.name)[1]`"))
  }
}
