import CKernels

/// All inner products ⟨xᵢ − o, xⱼ − o⟩ of some vectors that come run by run: differences in float32, products in float64.
///
/// Products are grouped by the number of entries alone: whole vectors and runs of them give the same bits.
public struct RunningGram: ~Copyable {
  /// Entries that are added up at a time. All runs but the last are a multiple of it.
  public static let blockLength = Tensor.blockLength

  private let vectors: UnsafeMutablePointer<Float>
  private let number: Int
  private let hasOrigin: Bool
  /// The upper triangle, row by row.
  private var products: [Double]

  /// - Parameter hasOrigin: Whether another vector, o, comes first and is taken from all others.
  public init(of number: Int, hasOrigin: Bool = false) {
    self.number = number
    self.hasOrigin = hasOrigin
    vectors = .allocate(capacity: max(1, number) * Self.blockLength)
    products = Array(repeating: 0, count: number * (number + 1) / 2)
  }

  deinit { vectors.deallocate() }

  /// The products of all that was added.
  public var gram: Gram { Gram(number: number, products: products) }

  /// Adds a run: the origin's entries first, where there is one, then each vector's.
  /// - Returns: The place in `runs` of one that holds NaN or an infinity; nil where all are finite.
  public mutating func add(_ runs: [(entries: UnsafeRawPointer, dtype: DType)], count: Int) -> Int? {
    precondition(runs.count == number + (hasOrigin ? 1 : 0), "each vector has a run")
    let length = Self.blockLength
    for start in stride(from: 0, to: count, by: length) {
      let filled = min(length, count - start)
      for (vector, run) in runs.suffix(number).enumerated() {
        let (target, entries) = (vectors + vector * length, run.entries + start * run.dtype.size)
        guard hasOrigin else {
          _ = kernel_widen(target, entries, run.dtype.kernelFloat, filled)
          continue
        }
        let origin = runs[0].entries + start * runs[0].dtype.size
        kernel_difference(target, entries, run.dtype.kernelFloat, origin, runs[0].dtype.kernelFloat, filled)
      }
      var place = 0
      for row in 0..<number {
        for column in row..<number {
          products[place] += kernel_dot(vectors + row * length, vectors + column * length, filled)
          place += 1
        }
      }
    }
    // What is not finite makes a product so that is not, and only then is it looked for.
    if products.allSatisfy(\.isFinite) { return nil }
    return runs.firstIndex { kernel_has_strays($0.entries, $0.dtype.kernelFloat, count) != 0 }
  }
}

/// The inner products of some vectors with each other.
public struct Gram: Sendable {
  public let number: Int
  private let products: [Double]

  init(number: Int, products: [Double]) {
    self.number = number
    self.products = products
  }

  public subscript(row: Int, column: Int) -> Double {
    let (row, column) = (min(row, column), max(row, column))
    return products[row * number - row * (row - 1) / 2 + column - row]
  }

  /// The length of a vector.
  public func norm(_ vector: Int) -> Double { self[vector, vector].squareRoot() }
}
