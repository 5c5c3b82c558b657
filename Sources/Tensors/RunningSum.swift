import CKernels

/// How operands become one: s Σₖ wₖ xₖ, or with an origin o + s Σₖ wₖ (xₖ − o); the sum divided by Σₖ wₖ where it is normalised.
///
/// In float32, in the order of the operands: products first, then their sum, the division, the scaling and the addition, each
/// rounded, as PyTorch does it. Weights are rounded to float32.
public struct WeightedSum: Sendable, Hashable {
  public let weights: [Double]
  public let isNormalized: Bool
  public let scale: Double

  public init(_ weights: [Double], isNormalized: Bool = false, times scale: Double = 1) {
    (self.weights, self.isNormalized, self.scale) = (weights, isNormalized, scale)
  }

  var divisor: Float { isNormalized ? Self.divisor(weights) : 1 }

  /// Whether this is an average, as far as float32 can tell: then of equal entries it is that entry.
  var isMean: Bool { abs(scale * (isNormalized ? 1 : weights.reduce(0, +)) - 1) < 0x1p-25 }

  /// The sum of weights, or 1 where it is so near 0 that nothing can be divided by it, as mergekit has it.
  public static func divisor(_ weights: [Double]) -> Float {
    let total = weights.reduce(0) { $0 + Float($1) }
    return total.magnitude < 1e-8 ? 1 : total
  }
}

/// A weighted sum of a run of entries, operand by operand.
///
/// A run is as short as one likes: each entry's sum depends on that entry of the operands alone. Sums that stay in the first
/// cache make a weighted sum as fast as its operands can be read.
public struct RunningSum: ~Copyable {
  /// Entries whose sums stay in the first cache, with the first operand's.
  public static let blockLength = 1024

  private let weights: [Float]
  private let divisor: Float
  private let scale: Float
  private let isMean: Bool
  private let hasOrigin: Bool
  private let capacity: Int
  private let sums: UnsafeMutablePointer<Float>
  /// The origin's entries or the first operand's.
  private let first: UnsafeMutablePointer<Float>
  /// Where operands differ from the first, of a mean; with an origin, room for the results.
  private let changes: UnsafeMutablePointer<UInt32>
  private var count = 0
  private var added = 0

  /// For runs of at most `capacity` entries.
  /// - Parameter hasOrigin: Whether each run begins with the entries of an origin, from which the operands are taken.
  public init(_ sum: WeightedSum, capacity: Int, hasOrigin: Bool = false) {
    weights = sum.weights.map { Float($0) }
    (divisor, scale, isMean) = (sum.divisor, Float(sum.scale), sum.isMean)
    (self.hasOrigin, self.capacity) = (hasOrigin, capacity)
    sums = .allocate(capacity: max(1, capacity))
    first = .allocate(capacity: max(1, capacity))
    changes = .allocate(capacity: max(1, capacity))
  }

  deinit {
    sums.deallocate()
    first.deallocate()
    changes.deallocate()
  }

  /// Sums a run of operands, as float32, float16 or bfloat16 store them, the origin's first; rounded to the dtype.
  /// - Returns: Whether all operands and results are finite.
  public mutating func sum(
    _ operands: [(entries: UnsafeRawPointer, dtype: DType)], count: Int, to results: UnsafeMutableRawPointer,
    _ dtype: DType
  ) -> Bool {
    if let sum = few(operands, as: dtype) {
      return withUnsafePointer(to: sum) { kernel_sum_few($0, results, dtype.kernelFloat, count) } == 0
    }
    return operands.withUnsafeBufferPointer { operands in
      var isFinite = true
      for start in stride(from: 0, to: count, by: capacity) {
        begin(min(capacity, count - start))
        for operand in operands {
          isFinite = add(operand.entries + start * operand.dtype.size, operand.dtype) && isFinite
        }
        isFinite = write(to: results + start * dtype.size, dtype) && isFinite
      }
      return isFinite
    }
  }

  /// Operands that can be summed at once; nil where they are many, or of several kinds.
  private func few(_ operands: [(entries: UnsafeRawPointer, dtype: DType)], as dtype: DType) -> KernelSum? {
    guard (2...4).contains(operands.count), operands.allSatisfy({ $0.dtype == dtype }) else { return nil }
    func operand(_ index: Int) -> UnsafeRawPointer? { index < operands.count ? operands[index].entries : nil }
    func weight(_ index: Int) -> Float { index < weights.count ? weights[index] : 0 }
    return KernelSum(
      entries: (operand(0), operand(1), operand(2), operand(3)), weights: (weight(0), weight(1), weight(2), weight(3)),
      operands: Int32(operands.count), hasOrigin: hasOrigin ? 1 : 0, isMean: isMean ? 1 : 0, divisor: divisor,
      scale: scale)
  }

  /// Begins another run.
  public mutating func begin(_ count: Int) {
    precondition(count <= capacity, "a run of \(count) entries does not fit \(capacity) places")
    (self.count, added) = (count, 0)
  }

  /// Adds one operand, as float32, float16 or bfloat16 store it; where there is an origin, that comes first.
  /// - Returns: Whether all its entries are finite.
  public mutating func add(_ entries: UnsafeRawPointer, _ dtype: DType) -> Bool {
    defer { added += 1 }
    let kind = dtype.kernelFloat
    switch (added, hasOrigin) {
    case (0, true): return kernel_widen(first, entries, kind, count) == 0
    case (0, false): return kernel_begin_sum(sums, first, entries, kind, count, weights[0]) == 0
    case (_, true):
      let isFirst: Int32 = added == 1 ? 1 : 0
      return kernel_add_difference(sums, first, entries, kind, count, weights[added - 1], isFirst) == 0
    case (_, false):
      let changes = isMean ? changes : nil
      return kernel_add_to_sum(sums, first, changes, entries, kind, count, weights[added], added == 1 ? 1 : 0) == 0
    }
  }

  /// Writes the sums, rounded to the dtype.
  /// - Returns: Whether all are finite.
  public func write(to results: UnsafeMutableRawPointer, _ dtype: DType) -> Bool {
    precondition(added == weights.count + (hasOrigin ? 1 : 0), "a sum has all its operands")
    let kind = dtype.kernelFloat
    guard hasOrigin else {
      // The mean of one is that one.
      if isMean, added == 1 { return kernel_narrow(first, results, kind, count) == 0 }
      return kernel_round_sum(sums, first, isMean ? changes : nil, divisor, scale, results, kind, count) == 0
    }
    return changes.withMemoryRebound(to: Float.self, capacity: max(1, capacity)) { moved in
      kernel_move(moved, first, KernelFloat32, sums, nil, divisor, 0, scale, count)
      return kernel_narrow(moved, results, kind, count) == 0
    }
  }
}

extension DType {
  /// Whether `CKernels` reads and writes it.
  public var hasKernels: Bool { self == .f32 || self == .bf16 || self == .f16 }

  var kernelFloat: KernelFloat {
    switch self {
    case .f32: KernelFloat32
    case .bf16: KernelBFloat16
    case .f16: KernelFloat16
    default: preconditionFailure("there are no kernels for \(rawValue)")
    }
  }
}
