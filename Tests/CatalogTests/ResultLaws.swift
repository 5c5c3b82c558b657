import Catalog
import Diagnostics
import Dispatch
import Operations
import Synchronization
import Tensors
import Testing

@Suite("Every operation")
struct ResultLaws {
  private static let names = Operations.Catalog.standard.entries.map(\.signature.name)

  private func signature(_ name: String) throws -> Signature {
    try #require(Operations.Catalog.standard[name]).signature
  }

  @Test("makes what its outline promises", arguments: names)
  func outline(name: String) throws {
    let operation = try operation(name, Samples(seed: 1).bindings(for: signature(name)))
    guard let outline = try operation.outline() else { return }
    let made = try operation.run(quiet).content
    #expect(outline.kind == made.kind)
    #expect(try made.kind == signature(name).output)
    #expect(outline.tensors.map(\.name) == made.tensors.map(\.name))
    for (promised, entry) in zip(outline.tensors, made.tensors) {
      let tensor = try entry.load()
      #expect(promised.dtype == entry.dtype && entry.dtype == tensor.dtype, "`\(entry.name)`")
      #expect(promised.shape == entry.shape && entry.shape == tensor.shape, "`\(entry.name)`")
    }
    // What is reported may depend on the inputs.
    let fields = try signature(name).fields.filter { made.facts[$0.name] == nil }
    #expect(try fields.isEmpty || signature(name).slot("report") != nil, "\(fields.map(\.name))")
    #expect(operation.memory() >= 0)
  }

  @Test("makes the same bytes again, and from many threads", arguments: names)
  func repeatable(name: String) throws {
    let bindings = try Samples(seed: 2).bindings(for: signature(name), count: 3)
    let first = try run(name, bindings)
    let again = try run(name, bindings)
    let found = Mutex<[String: Tensor]>([:])
    DispatchQueue.concurrentPerform(iterations: again.tensors.count) { index in
      let entry = again.tensors[again.tensors.count - 1 - index]
      let tensor = try? entry.load()
      found.withLock { $0[entry.name] = tensor }
    }
    for entry in first.tensors {
      let other = try #require(found.withLock { $0[entry.name] })
      let isSame = try entry.load().hasSameBytes(as: other)
      #expect(isSame, "`\(entry.name)` of `\(name)`")
    }
    #expect(first.facts == again.facts)
  }

  @Test("that is stopped says so", arguments: names)
  func cancelled(name: String) throws {
    let stopped = Context(isCancelled: { true }, scratch: { throw BrokenTest(reason: "no scratch space") })
    let operation = try operation(name, Samples(seed: 3).bindings(for: signature(name)))
    do {
      for entry in try operation.run(stopped).content.tensors { _ = try entry.load() }
      // What does next to nothing may be done before it looks.
      #expect(
        ["checkpoint", "dataset", "summary"].contains(name) || operation.memory() == 0, "`\(name)` went on")
    } catch let error as OperationError {
      #expect(error.cause == .interrupted)
    }
  }

  @Test(
    "that reads tensors refuses NaN and infinities, and says where they are", arguments: names, [Float.nan, -.infinity])
  func nonFinite(name: String, stray: Float) throws {
    let signature = try signature(name)
    for slot in signature.slots where slot.role == .input {
      var bindings = try Samples(seed: 4).bindings(for: signature)
      guard case .contents(var contents) = bindings[slot.name], let last = contents.indices.last,
        let position = contents[last].tensors.firstIndex(where: { $0.dtype.isFloat })
      else { continue }
      let entry = contents[last].tensors[position]
      contents[last].tensors[position] = TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape) {
        var entries = try entry.load().floats
        entries[2] = stray
        return Tensor(entries, shape: entry.shape)
      }
      bindings[slot.name] = .contents(contents)
      // What holds no memory reads no tensor.
      if try operation(name, bindings).memory() == 0 { continue }
      let what = stray.isNaN ? "NaN" : "an infinity"
      do {
        for entry in try run(name, bindings).tensors { _ = try entry.load() }
        Issue.record("`\(name)` took \(what) in `\(slot.name)`")
      } catch let error as OperationError {
        #expect(error.message == "`\(entry.name)` of `\(contents[last].label)` holds \(what), first at entry 2")
        #expect(error.cause == .data)
      }
    }
  }
}
