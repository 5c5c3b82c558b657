/// Entry-by-entry arithmetic on tensors of one shape, of any float dtype; all of it and the results are float32.
extension Tensor {
  /// What a rule makes of operands, from an origin or not.
  ///
  /// With weights that sum to 1, copies of one tensor give that tensor, bit for bit.
  public static func weightedSum(_ tensors: [Tensor], _ rule: WeightedSum, from origin: Tensor? = nil) -> Tensor {
    let weights = rule.weights
    precondition(tensors.count == weights.count, "\(tensors.count) tensors have \(weights.count) weights")
    let operands = [origin].compactMap { $0 } + tensors
    let shape = commonShape(operands)
    var sum = RunningSum(rule, capacity: blockLength, hasOrigin: origin != nil)
    return Tensor(shape: shape) { result in
      inBlocks(0..<shape.count) { block, scratch in
        sum.begin(block.count)
        for operand in operands {
          operand.withStored(block, scratch) { entries, dtype in _ = sum.add(entries, dtype) }
        }
        if let target = UnsafeMutableBufferPointer(rebasing: result[block]).baseAddress {
          _ = sum.write(to: target, .f32)
        }
      }
    }
  }

  /// Σₖ wₖ xₖ, or with an origin o + Σₖ wₖ (xₖ − o).
  public static func weightedSum(_ tensors: [Tensor], weights: [Double], from origin: Tensor? = nil) -> Tensor {
    weightedSum(tensors, WeightedSum(weights), from: origin)
  }

  /// a + b.
  public static func + (a: Tensor, b: Tensor) -> Tensor { add(a, 1, b) }

  /// a - b.
  public static func - (a: Tensor, b: Tensor) -> Tensor { add(a, -1, b) }

  /// Every entry times a number.
  public static func * (scale: Double, tensor: Tensor) -> Tensor { weightedSum([tensor], weights: [scale]) }

  private static func add(_ a: Tensor, _ sign: Float, _ b: Tensor) -> Tensor {
    let shape = commonShape([a, b])
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { second in
        inBlocks(0..<shape.count) { block, scratch in
          let target = UnsafeMutableBufferPointer(rebasing: result[block])
          a.withFloats(block, scratch) { a in
            b.withFloats(block, second) { b in
              for index in 0..<block.count { target[index] = a[index] + sign * b[index] }
            }
          }
        }
      }
    }
  }

  /// The inner products of some tensors' entries, each less the origin's where one is given, in float64 and grouped by the
  /// number of entries alone.
  public static func gram(_ tensors: [Tensor], from origin: Tensor? = nil) -> Gram {
    let operands = ([origin].compactMap { $0 } + tensors).map { $0.dtype.hasKernels ? $0 : $0.converted(to: .f32) }
    guard let count = operands.first?.count else { preconditionFailure("there is no tensor to work on") }
    precondition(operands.allSatisfy { $0.count == count }, "inner products are of as many entries")
    var running = RunningGram(of: tensors.count, hasOrigin: origin != nil)
    func add(_ rest: ArraySlice<Tensor>, _ runs: [(entries: UnsafeRawPointer, dtype: DType)]) {
      guard let first = rest.first else {
        _ = running.add(runs, count: count)
        return
      }
      first.withBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        add(rest.dropFirst(), runs + [(base, first.dtype)])
      }
    }
    add(operands[...], [])
    return running.gram
  }

  /// The Euclidean norm of all entries.
  public var norm: Double { Tensor.gram([self]).norm(0) }

  static func commonShape(_ tensors: [Tensor]) -> Shape {
    guard let shape = tensors.first?.shape else { preconditionFailure("there is no tensor to work on") }
    for other in tensors { precondition(other.shape == shape, "tensors of one shape, not \(shape) and \(other.shape)") }
    return shape
  }

  /// A block's entries as float32: where they lie if they can be read there, else copied to the scratch.
  @inline(__always)
  func withFloats(
    _ block: Range<Int>, _ scratch: UnsafeMutableBufferPointer<Float>, _ body: (UnsafePointer<Float>) -> Void
  ) {
    withBytes(of: block) { bytes in
      guard let entries = bytes.baseAddress, let scratch = scratch.baseAddress else { return }
      if dtype == .f32, UInt(bitPattern: entries) % 4 == 0 {
        return body(entries.assumingMemoryBound(to: Float.self))
      }
      copyFloats(block, to: UnsafeMutableBufferPointer(start: scratch, count: Tensor.blockLength))
      body(scratch)
    }
  }

  /// A block's entries where they lie if there are kernels for them, else as float32 in the scratch.
  @inline(__always)
  func withStored(
    _ block: Range<Int>, _ scratch: UnsafeMutableBufferPointer<Float>, _ body: (UnsafeRawPointer, DType) -> Void
  ) {
    withBytes(of: block) { bytes in
      guard let entries = bytes.baseAddress, let copied = scratch.baseAddress else { return }
      if dtype.hasKernels { return body(entries, dtype) }
      copyFloats(block, to: scratch)
      body(copied, .f32)
    }
  }
}
