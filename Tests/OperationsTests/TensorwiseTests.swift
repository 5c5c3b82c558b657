import Diagnostics
import Formats
import Synchronization
import Tensors
import Testing

@testable import Operations

/// Doubles its model, but for its norms, and adds how large the whole of the other is.
private struct Doubled: TensorwiseOperation {
  static let about = About("doubled", "Double a model.")
  static let calls = Mutex(0)

  @Input("The model.") var model: Checkpoint
  @Input("Another.") var other: Checkpoint
  @Param("The most.") var most: Double = 1e9

  func check() throws {
    if most < 0 { throw OperationError(.step, "`most` is negative") }
  }

  func makes(_ name: String) -> Bool { name != "norm" }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let size = try read.once {
      Self.calls.withLock { $0 += 1 }
      return Double(try read.reading("a")(other).norm)
    }
    return Tensor(try read(model).floats.map { 2 * $0 + Float(size) }, shape: [2])
  }
}

@Suite("Operations that work tensor by tensor", .serialized)
struct TensorwiseTests {
  private let context = Context { throw OperationError(.step, "no scratch space") }

  private func model(_ label: String, _ tensors: [(String, Tensor)]) -> Content {
    Content(
      .checkpoint, facts: ["model_type": "x"],
      tensors: tensors.map { name, tensor in TensorEntry(name, dtype: tensor.dtype, shape: tensor.shape) { tensor } },
      files: [SideFile("tokenizer.json", [1])], label: label)
  }

  private func doubled(_ model: Content, _ other: Content, most: Double = 1) throws -> Doubled {
    try Doubled(binding: ["model": .contents([model]), "other": .contents([other]), "most": .value(.number(most))])
  }

  private var lead: Content {
    model(
      "model",
      [
        ("a", Tensor([1.0, 2], shape: [2]).converted(to: .bf16)), ("b", Tensor([3.0, 4], shape: [2])),
        ("norm", Tensor([5.0, 6, 7], shape: [3])), ("ids", Tensor([8, 9], shape: [2])),
      ])
  }

  private var other: Content {
    model(
      "other",
      [
        ("a", Tensor([3.0, 4], shape: [2])), ("b", Tensor([0.0, 0], shape: [2])), ("ids", Tensor([0, 0], shape: [2])),
      ])
  }

  @Test("keep what they do not make, and work out once what all tensors need")
  func streams() throws {
    Doubled.calls.withLock { $0 = 0 }
    let operation = try doubled(lead, other)
    let made = try operation.run(context).content
    let results = try context.map(made.tensors) { try $0.load() }
    #expect(results.map(\.dtype) == [.bf16, .f32, .f32, .i64])
    #expect(results[0].floats == [7, 9])
    #expect(results[1].floats == [11, 13])
    #expect(results[2].floats == [5, 6, 7])
    #expect(results[3].integers == [8, 9])
    #expect(Doubled.calls.withLock { $0 } == 1)
    #expect(made.facts == lead.facts && made.files == lead.files)
    #expect(try operation.outline()?.tensors.map(\.name) == ["a", "b", "norm", "ids"])
  }

  @Test("say which tensor of which input does not fit")
  func misfits() throws {
    func message(_ change: (inout Content) -> Void, most: Double = 1) throws -> String? {
      var changed = other
      change(&changed)
      let operation = try doubled(lead, changed, most: most)
      return #expect(throws: OperationError.self) { try operation.outline() }?.message
    }
    #expect(try message { $0.tensors.removeFirst() } == "`a` is in `model`, but not in `other`")
    #expect(
      try message { $0.tensors[0] = TensorEntry(foreseen: "a", dtype: .f32, shape: [2, 1]) }
        == "`a` is 2 in `model`, 2×1 in `other`")
    #expect(
      try message { $0.tensors.append(TensorEntry(foreseen: "c", dtype: .f32, shape: [1])) }
        == "`c` is in `other`, but not in `model`")
    #expect(try message({ _ in }, most: -1) == "`most` is negative")
  }

  @Test("say which entry is NaN, too large to read or too large to write")
  func nonFinite() throws {
    func message(_ model: Content) throws -> String? {
      let made = try doubled(model, other).run(context).content
      return #expect(throws: OperationError.self) { try made.tensor("b") }?.message
    }
    var model = lead
    let huge = Tensor([1.0, 40_000], shape: [2]).converted(to: .f16)
    model.tensors[1] = TensorEntry("b", dtype: .f16, shape: [2]) { huge }
    #expect(try message(model) == "`doubled` makes entry 1 of `b` 80005.0, which F16 cannot hold")
    let wide = Tensor(bytes: [UInt8](repeating: 0, count: 15) + [0x7F], dtype: .f64, shape: [2])
    model.tensors[1] = TensorEntry("b", dtype: .f64, shape: [2]) { wide }
    #expect(
      try message(model) == "`b` of `model` holds 5.486124068793689e+303, which float32 cannot hold, first at entry 1")
  }

  @Test("are done in order, and fail with the first failure")
  func parallelMap() throws {
    #expect(try context.map(Array(0..<1000)) { $0 * 2 } == (0..<1000).map { $0 * 2 })
    let error = #expect(throws: OperationError.self) {
      try context.map(Array(0..<100)) { number in
        if number % 10 == 7 { throw OperationError(.step, "\(number)") }
      }
    }
    #expect(error?.message == "7")
    let stopped = Context(isCancelled: { true }, scratch: { "" })
    #expect(throws: OperationError(.interrupted, "interrupted")) { try stopped.map([1]) { $0 } }
  }
}
