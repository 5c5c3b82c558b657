import CKernels

/// A stretch of a task vector as plain pointers, so that going over it in short blocks counts no references.
struct LaidTaskVector {
  /// What `TaskVector.Kept` says.
  enum Kept {
    case everything
    case between(above: MagnitudeCut, notAbove: MagnitudeCut)
    /// Words of the whole tensor's mask.
    case mask(UnsafePointer<UInt32>)
    /// Of the whole tensor.
    case divisors(UnsafePointer<Float>)
  }

  /// Entries where they lie, as they are stored, from the stretch's first on.
  struct Entries {
    let place: UnsafeRawPointer
    let dtype: DType

    var kind: KernelFloat { dtype.kernelFloat }

    /// Those from the n-th on.
    @inline(__always)
    func advanced(by number: Int) -> Entries { Entries(place: place + number * dtype.size, dtype: dtype) }
  }

  private let model: Entries
  private let base: Entries
  /// The index of the stretch's first entry.
  private let start: Int
  let kept: Kept
  let factor: Float

  init(model: Entries, base: Entries, start: Int, kept: Kept, factor: Float) {
    (self.model, self.base, self.start, self.kept, self.factor) = (model, base, start, kept, factor)
  }

  /// The base's entries of a block.
  func base(_ block: Range<Int>) -> Entries { base.advanced(by: block.lowerBound - start) }

  /// Writes a block of what is kept of the difference, without the factor.
  func fill(_ target: UnsafeMutablePointer<Float>, _ block: Range<Int>) {
    subtract(into: target, block)
    keep(of: target, block)
  }

  /// Writes a block of the difference.
  func subtract(into target: UnsafeMutablePointer<Float>, _ block: Range<Int>) {
    let (model, base) = (model.advanced(by: block.lowerBound - start), base(block))
    kernel_difference(target, model.place, model.kind, base.place, base.kind, block.count)
  }

  /// Leaves of a block's differences what is kept.
  func keep(of target: UnsafeMutablePointer<Float>, _ block: Range<Int>) {
    switch kept {
    case .everything: return
    case .between(let lower, let upper):
      // Between the ends of ties, the cuts are plain bounds.
      let first = Self.place(min(lower.tieEnd, upper.tieEnd), in: block)
      let second = Self.place(max(lower.tieEnd, upper.tieEnd), in: block)
      keepBetween(lower, upper, of: target, 0..<first, block)
      keepBetween(lower, upper, of: target, first..<second, block)
      keepBetween(lower, upper, of: target, second..<block.count, block)
    case .mask(let words): kernel_keep_masked(target, block.count, words, block.lowerBound)
    case .divisors(let divisors):
      let divisors = divisors + block.lowerBound
      for index in 0..<block.count { target[index] /= divisors[index] }
    }
  }

  private func keepBetween(
    _ lower: MagnitudeCut, _ upper: MagnitudeCut, of target: UnsafeMutablePointer<Float>, _ part: Range<Int>,
    _ block: Range<Int>
  ) {
    guard !part.isEmpty else { return }
    let index = block.lowerBound + part.lowerBound
    let (least, below) = (lower.floor(at: index), upper.floor(at: index))
    kernel_keep_between(target + part.lowerBound, part.count, Int32(bitPattern: least), Int32(bitPattern: below))
  }

  /// Where an index lies within a block, or the nearest end of it.
  private static func place(_ index: Int, in block: Range<Int>) -> Int {
    min(max(index, block.lowerBound), block.upperBound) - block.lowerBound
  }
}

extension TaskVector {
  /// Goes over a run of task vectors of one base, or all of it, in blocks, with room for `length` entries of each vector.
  /// - Parameter length: A part of `Tensor.blockLength`.
  static func inBlocks(
    _ vectors: [TaskVector], _ run: Range<Int>? = nil, length: Int,
    _ body: (
      _ block: Range<Int>, _ laid: UnsafeBufferPointer<LaidTaskVector>, _ deltas: UnsafeMutablePointer<Float>
    ) -> Void
  ) {
    guard let base = vectors.first?.base else { preconditionFailure("there is no task vector to work on") }
    let vectors = vectors.map(\.computable)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: length * vectors.count) { deltas in
      withUnsafeTemporaryAllocation(of: LaidTaskVector.self, capacity: vectors.count) { laid in
        guard let deltas = deltas.baseAddress else { return }
        let run = run ?? 0..<base.count
        for start in stride(from: run.lowerBound, to: run.upperBound, by: TensorStream.windowLength) {
          let stretch = start..<min(start + TensorStream.windowLength, run.upperBound)
          for (number, vector) in vectors.enumerated() { laid.initializeElement(at: number, to: vector.laid(stretch)) }
          for first in stride(from: start, to: stretch.upperBound, by: length) {
            body(first..<min(first + length, stretch.upperBound), UnsafeBufferPointer(laid), deltas)
          }
        }
      }
    }
    // The pointers are theirs.
    withExtendedLifetime(vectors) {}
  }

  /// The same, of tensors that have kernels.
  private var computable: TaskVector {
    if model.dtype.hasKernels, base.dtype.hasKernels { return self }
    let tensors = [model, base].map { $0.dtype.hasKernels ? $0 : $0.converted(to: .f32) }
    return TaskVector(tensors[0], minus: tensors[1], kept: kept, factor: factor)
  }

  /// Valid while the task vector lives, and until another stretch of its tensors is looked at.
  private func laid(_ stretch: Range<Int>) -> LaidTaskVector {
    let plain: LaidTaskVector.Kept =
      switch kept {
      case .everything: .everything
      case .between(let lower, let upper): .between(above: lower, notAbove: upper)
      case .mask(let mask): .mask(mask.words)
      case .divisors(let divisors):
        .divisors(divisors.place(of: 0..<divisors.count).assumingMemoryBound(to: Float.self))
      }
    return LaidTaskVector(
      model: LaidTaskVector.Entries(place: model.place(of: stretch), dtype: model.dtype),
      base: LaidTaskVector.Entries(place: base.place(of: stretch), dtype: base.dtype), start: stretch.lowerBound,
      kept: plain, factor: Float(factor))
  }
}
