/// Entry-by-entry arithmetic on tensors of one shape, of any float dtype; results are float32.
///
/// Each entry is worked out in float64, in the order of the operands, and rounded once.
extension Tensor {
  /// Σₖ wₖ xₖ, or with an origin o + Σₖ wₖ (xₖ − o).
  ///
  /// With weights that sum to 1, copies of one float32 tensor give that tensor, bit for bit.
  public static func weightedSum(_ tensors: [Tensor], weights: [Double], from origin: Tensor? = nil) -> Tensor {
    precondition(tensors.count == weights.count, "\(tensors.count) tensors have \(weights.count) weights")
    let (tensors, weights) = ([origin].compactMap { $0 } + tensors, (origin == nil ? [] : [1]) + weights)
    let shape = commonShape(tensors)
    var sum = RunningSum(capacity: blockLength, hasOrigin: origin != nil)
    return Tensor(shape: shape) { result in
      inBlocks(0..<shape.count) { block, scratch in
        sum.begin(block.count)
        for (tensor, weight) in zip(tensors, weights) {
          tensor.withStored(block, scratch) { entries, dtype in _ = sum.add(entries, dtype, weight: weight) }
        }
        if let target = UnsafeMutableBufferPointer(rebasing: result[block]).baseAddress {
          _ = sum.write(to: target, .f32)
        }
      }
    }
  }

  /// a + b.
  public static func + (a: Tensor, b: Tensor) -> Tensor { add(a, 1, b) }

  /// a - b.
  public static func - (a: Tensor, b: Tensor) -> Tensor { add(a, -1, b) }

  /// Every entry times a number.
  public static func * (scale: Double, tensor: Tensor) -> Tensor { weightedSum([tensor], weights: [scale]) }

  /// a ± b. A float32 sum rounded from float64 is the same as float32's own, so this stays in float32.
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

  /// Σᵢ aᵢ bᵢ in float64, grouped by the number of entries alone.
  public static func dot(_ a: Tensor, _ b: Tensor) -> Double {
    precondition(a.count == b.count, "a dot product is of as many entries: \(a.shape) and \(b.shape)")
    var gram = RunningGram(of: 2)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { second in
      inBlocks(0..<a.count) { block, first in
        a.withStored(block, first) { a, aType in
          b.withStored(block, second) { b, bType in _ = gram.add([(a, aType), (b, bType)], count: block.count) }
        }
      }
    }
    return gram.products[1]
  }

  /// The Euclidean norm of all entries.
  public var norm: Double { Tensor.dot(self, self).squareRoot() }

  /// The sum of a block, by adding its second half to its first until one entry is left: vector code, and little error.
  static func sum(_ block: UnsafeMutableBufferPointer<Double>) -> Double {
    var half = blockLength / 2
    while half > 0 {
      for index in 0..<half { block[index] += block[half + index] }
      half /= 2
    }
    return block[0]
  }

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
    withBytes { bytes in
      guard let base = bytes.baseAddress, let scratch = scratch.baseAddress else { return }
      if dtype == .f32, UInt(bitPattern: base) % 4 == 0 {
        return body((base + block.lowerBound * 4).assumingMemoryBound(to: Float.self))
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
    withBytes { bytes in
      guard let base = bytes.baseAddress, let copied = scratch.baseAddress else { return }
      if dtype.hasKernels { return body(base + block.lowerBound * dtype.size, dtype) }
      copyFloats(block, to: scratch)
      body(copied, .f32)
    }
  }
}
