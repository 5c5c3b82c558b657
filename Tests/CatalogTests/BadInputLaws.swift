import Catalog
import Diagnostics
import Operations
import Tensors
import Testing

/// Whatever an operation is given, it gives a result without NaN or infinities, or one sentence that says what is wrong.
@Suite("Bad input")
struct BadInputLaws {
  private static let names = Operations.Catalog.standard.entries.map(\.signature).filter { signature in
    signature.slots.contains { $0.role == .input }
  }.map(\.name)

  /// What may be wrong with artifacts of tensors.
  enum Trouble: String, CaseIterable {
    case alone, zeros, firstIsZero, lastIsZero, constant, opposite, nothingInATensor, oneNumber, noTensors
    case keyInFirst, keyInLast, bufferInFirst, bufferInLast, bufferInAll, wholeNumbersInLast, wholeNumbersInFirst
    case wider, lessAxes, eightBitFloats, eightBitsInLast, flags
  }

  @Test("gives a finite result or one clear sentence", arguments: names, Trouble.allCases)
  func trouble(name: String, trouble: Trouble) throws {
    let signature = try #require(Operations.Catalog.standard[name]).signature
    for count in trouble == .alone ? [1] : [2, 3] {
      var bindings = try Samples(seed: 6).bindings(for: signature, count: count)
      Self.change(&bindings, signature, trouble)
      do {
        let step = try operation(name, bindings)
        _ = try step.outline()
        for entry in try step.run(quiet).content.tensors {
          let place = try entry.load().firstNonFinite
          #expect(place == nil, "`\(entry.name)` of `\(name)` is not finite")
        }
      } catch let error as OperationError {
        let first = error.message.unicodeScalars.first
        #expect(first.map { $0 == "`" || $0.properties.isLowercase } == true, "`\(name)`: \(error.message)")
        #expect(!error.message.hasSuffix(".") && !error.message.contains("\n"), "`\(name)`: \(error.message)")
        // Whole numbers take no part in merges, so it is no trouble where only some have them.
        let takesAdapter = signature.slots.contains { $0.type == .artifact(.adapter) }
        let isMerge = try operation(name, bindings) is any TensorwiseOperation && signature.output == .checkpoint
        if isMerge, !takesAdapter, [.bufferInFirst, .bufferInLast, .bufferInAll, .alone].contains(trouble) {
          Issue.record("`\(name)` refuses it: \(error.message)")
        }
      }
    }
  }

  /// Brings a trouble into the inputs that have float tensors.
  private static func change(_ bindings: inout [String: Binding], _ signature: Signature, _ trouble: Trouble) {
    let slots = signature.slots.filter { $0.role == .input }.map(\.name)
    var contents = slots.flatMap { slot -> [(slot: String, content: Content)] in
      guard case .contents(let contents) = bindings[slot] else { return [] }
      return contents.map { (slot, $0) }
    }
    let places = contents.indices.filter { !contents[$0].content.tensors.isEmpty }
    guard let first = places.first, let last = places.last else { return }
    let kind = contents[first].content.kind
    let models = places.filter { contents[$0].content.kind == kind }
    func fill(_ places: [Int], _ entry: @escaping @Sendable (Float) -> Float) {
      for place in places {
        contents[place].content.tensors = contents[place].content.tensors.map { $0.changed(entry) }
      }
    }
    func add(_ places: [Int], _ name: String, _ tensor: Tensor) {
      for place in places { contents[place].content.tensors.append(TensorEntry(name, tensor)) }
    }
    func replaceFirst(_ places: [Int], _ make: (TensorEntry) -> Tensor) {
      for place in places {
        let entry = contents[place].content.tensors[0]
        contents[place].content.tensors[0] = TensorEntry(entry.name, make(entry))
      }
    }
    let positions = Tensor([0, 1, 2, 3], shape: [1, 4])
    switch trouble {
    case .alone: break
    case .zeros: fill(places) { $0 * 0 }
    case .firstIsZero: fill([first]) { $0 * 0 }
    case .lastIsZero: fill([last]) { $0 * 0 }
    case .constant: fill(places) { _ in 0.25 }
    case .opposite:
      // Seen from the first, two others stand on opposite sides; where there are only two, on both sides of zero.
      let pair = models.suffix(2)
      guard pair.count == 2, let one = pair.first, let other = pair.last else { break }
      let start = models.count > 2 ? contents[first].content : nil
      contents[other].content.tensors = contents[one].content.tensors.map { entry in
        TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape) {
          let mirror = try entry.load()
          return try start.map { Tensor.weightedSum([try $0.tensor(entry.name), mirror], weights: [2, -1]) } ?? -1
            * mirror
        }
      }
    case .nothingInATensor:
      add(places, "layers.2.weight", Tensor([Float](), shape: [0, 4]))
      add(places, "layers.2.bias", Tensor([Float](), shape: [3, 0]))
    case .oneNumber: add(places, "layers.2.scale", Tensor([2] as [Float], shape: []))
    case .noTensors: for place in places { contents[place].content.tensors = [] }
    case .keyInFirst: add([first], "layers.2.extra", Tensor([1, 2] as [Float], shape: [2]))
    case .keyInLast: add([last], "layers.2.extra", Tensor([1, 2] as [Float], shape: [2]))
    case .bufferInFirst: add([first], "embeddings.position_ids", positions)
    case .bufferInLast: add([last], "embeddings.position_ids", positions)
    case .bufferInAll: add(places, "embeddings.position_ids", positions)
    case .wholeNumbersInLast:
      replaceFirst([last]) { Tensor([Int](repeating: 3, count: $0.shape.count), shape: $0.shape) }
    case .wholeNumbersInFirst:
      replaceFirst([first]) { Tensor([Int](repeating: 3, count: $0.shape.count), shape: $0.shape) }
    case .eightBitFloats:
      add(places, "layers.2.weight", Tensor(bytes: [1, 2, 0x7F, 4], dtype: .f8e4m3, shape: [2, 2]))
    case .eightBitsInLast:
      replaceFirst([last]) {
        Tensor(bytes: [UInt8](repeating: 9, count: $0.shape.count), dtype: .f8e5m2, shape: $0.shape)
      }
    case .flags: add(places, "mask", Tensor(bytes: [0, 1], dtype: .bool, shape: [2]))
    case .wider:
      replaceFirst([last]) { Tensor([Float](repeating: 1, count: $0.shape.count * 2), shape: $0.shape.wider) }
    case .lessAxes:
      replaceFirst([last]) { Tensor([Float](repeating: 1, count: $0.shape.count), shape: [$0.shape.count]) }
    }
    for slot in slots where bindings[slot] != nil {
      bindings[slot] = .contents(contents.filter { $0.slot == slot }.map(\.content))
    }
  }
}

extension TensorEntry {
  /// The same tensor with other entries, where it is of floats.
  fileprivate func changed(_ entry: @escaping @Sendable (Float) -> Float) -> TensorEntry {
    guard dtype.isFloat else { return self }
    let (load, dtype, shape) = (load, dtype, shape)
    return TensorEntry(name, dtype: dtype, shape: shape) {
      Tensor(try load().floats.map(entry), shape: shape).converted(to: dtype)
    }
  }
}

extension Shape {
  fileprivate var wider: Shape { Shape(axes.dropLast() + [2 * (axes.last ?? 1)]) }
}
