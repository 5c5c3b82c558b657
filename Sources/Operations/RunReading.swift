import Diagnostics
import Tensors

extension TensorEntry {
  /// Entries that are read at a time.
  public static let runLength = TensorStream.windowLength
}

/// One tensor of an input that is read run by run.
struct RunOperand {
  let dtype: DType
  private let reader: RunReader

  /// Nil where it can only be read whole, or where there are no kernels for its dtype.
  init?(_ content: Content, _ name: String) throws {
    guard let entry = content.entry(name), entry.dtype.hasKernels, let reader = try entry.runs() else {
      return nil
    }
    dtype = entry.dtype
    self.reader = reader
  }

  /// Reads a run into a place.
  func read(_ run: Range<Int>, _ place: UnsafeMutableRawPointer) throws {
    try reader(run, UnsafeMutableRawBufferPointer(start: place, count: run.count * dtype.size))
  }
}

extension [Content] {
  /// A reader of one tensor of each; nil where any can only be read whole.
  func readers(of name: String) throws -> [RunOperand]? {
    var operands: [RunOperand] = []
    for content in self {
      guard let operand = try RunOperand(content, name) else { return nil }
      operands.append(operand)
    }
    return operands
  }
}

/// Memory for some runs.
final class RunPlaces {
  private let memory: UnsafeMutableRawPointer
  private static let size = TensorEntry.runLength * 4

  init(_ number: Int) { memory = .allocate(byteCount: number * Self.size, alignment: 64) }

  deinit { memory.deallocate() }

  subscript(index: Int) -> UnsafeMutableRawPointer { memory + index * Self.size }
}

extension TensorReader {
  /// The tensor as it is read a window at a time; nil where it can only be read whole, or where there are no kernels for it.
  public func stream(_ artifact: some Artifact) throws -> TensorStream? {
    guard let operand = try RunOperand(artifact.content, name) else { return nil }
    let count = artifact.content.entry(name)?.shape.count ?? 0
    return TensorStream(dtype: operand.dtype, count: count) { run, bytes in
      try context.checkCancelled()
      if let place = bytes.baseAddress { try operand.read(run, place) }
    }
  }

  /// The inner products of this tensor's vectors in some inputs, each less the origin's where one is given, in float64.
  ///
  /// The inputs are read once, run by run.
  /// - Throws: `OperationError` where an entry is NaN or infinite, naming the first.
  public func gram(_ artifacts: [any Artifact], from origin: (any Artifact)? = nil) throws -> Gram {
    let contents = ([origin].compactMap { $0 } + artifacts).map(\.content)
    guard let operands = try contents.readers(of: name) else {
      let tensors = try contents.map { try $0.finiteTensor(name) }
      return origin == nil ? Tensor.gram(tensors) : Tensor.gram(Array(tensors.dropFirst()), from: tensors[0])
    }
    var running = RunningGram(of: artifacts.count, hasOrigin: origin != nil)
    let count = contents[0].entry(name)?.shape.count ?? 0
    let places = RunPlaces(operands.count)
    for start in stride(from: 0, to: count, by: TensorEntry.runLength) {
      try context.checkCancelled()
      let run = start..<min(start + TensorEntry.runLength, count)
      let runs = try operands.enumerated().map { place, operand in
        try operand.read(run, places[place])
        return (entries: UnsafeRawPointer(places[place]), dtype: operand.dtype)
      }
      if let stray = running.add(runs, count: run.count) {
        _ = try contents[stray].finiteTensor(name)
        preconditionFailure("`\(name)` was read in two ways, and only one is finite")
      }
    }
    return running.gram
  }
}
