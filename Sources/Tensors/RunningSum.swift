import CKernels

/// Σₖ wₖ xₖ of a run of entries, or o + Σₖ wₖ (xₖ − o), added operand by operand in float64 and rounded once.
///
/// A run is as short as one likes: each entry's sum depends on that entry of the operands alone. Sums that stay in the first
/// cache make a weighted sum as fast as its operands can be read.
public struct RunningSum: ~Copyable {
  /// Entries whose sums stay in the first cache, with an origin's.
  public static let blockLength = 1024

  private let sums: UnsafeMutablePointer<Double>
  private let origin: UnsafeMutablePointer<Double>?
  private let capacity: Int
  private var count = 0
  private var isEmpty = true

  /// For runs of at most `capacity` entries.
  /// - Parameter hasOrigin: Whether each run begins with the entries of an origin, from which the operands are taken.
  public init(capacity: Int, hasOrigin: Bool = false) {
    sums = .allocate(capacity: max(1, capacity))
    origin = hasOrigin ? .allocate(capacity: max(1, capacity)) : nil
    self.capacity = capacity
  }

  deinit {
    sums.deallocate()
    origin?.deallocate()
  }

  /// Begins another run.
  public mutating func begin(_ count: Int) {
    precondition(count <= capacity, "a run of \(count) entries does not fit \(capacity) places")
    self.count = count
    isEmpty = true
  }

  /// Adds one operand, as float32, float16 or bfloat16 store it; where there is an origin, that comes first.
  /// - Returns: Whether all its entries are finite.
  public mutating func add(_ entries: UnsafeRawPointer, _ dtype: DType, weight: Double) -> Bool {
    let isFirst = isEmpty
    isEmpty = false
    guard let origin else {
      return kernel_accumulate(sums, entries, dtype.kernelFloat, count, weight, isFirst ? 1 : 0) == 0
    }
    guard isFirst else { return kernel_accumulate_from(sums, origin, entries, dtype.kernelFloat, count, weight) == 0 }
    let isFinite = kernel_widen(origin, entries, dtype.kernelFloat, count) == 0
    sums.update(from: origin, count: count)
    return isFinite
  }

  /// Adds numbers that are float64 already, after an operand; zeros add nothing.
  mutating func add(_ entries: UnsafePointer<Double>, weight: Double) {
    precondition(!isEmpty, "a sum begins with an operand")
    kernel_add_doubles(sums, entries, count, weight)
  }

  /// Writes the sums, rounded to float32 and from there to the dtype.
  /// - Returns: Whether all are finite.
  public func write(to results: UnsafeMutableRawPointer, _ dtype: DType) -> Bool {
    precondition(!isEmpty, "a sum has an operand")
    return kernel_round(sums, results, dtype.kernelFloat, count) == 0
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
