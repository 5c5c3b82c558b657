import CKernels

/// All inner products ⟨xᵢ − o, xⱼ − o⟩ of some vectors that come run by run, in float64.
///
/// Products are grouped by the number of entries alone: whole vectors and runs of them give the same bits.
public struct RunningGram: ~Copyable {
  /// Entries that are added up at a time. All runs but the last are a multiple of it.
  public static let blockLength = Tensor.blockLength

  private let vectors: UnsafeMutablePointer<Double>
  private let scratch: UnsafeMutablePointer<Double>
  private let number: Int
  private let hasOrigin: Bool
  /// The upper triangle, row by row.
  private var products: [Double]

  /// - Parameter hasOrigin: Whether another vector, o, comes first and is taken from all others.
  public init(of number: Int, hasOrigin: Bool = false) {
    precondition(Self.blockLength == 2048, "`kernel_dot2048` adds 2,048 products")
    self.number = number
    self.hasOrigin = hasOrigin
    vectors = .allocate(capacity: (number + 1) * Self.blockLength)
    scratch = .allocate(capacity: Self.blockLength)
    products = Array(repeating: 0, count: number * (number + 1) / 2)
  }

  deinit {
    vectors.deallocate()
    scratch.deallocate()
  }

  /// The products of all that was added.
  public var gram: Gram { Gram(number: number, products: products) }

  /// Adds a run: the origin's entries first, where there is one, then each vector's.
  /// - Returns: The place in `runs` of one that holds NaN or an infinity; nil where all are finite.
  public mutating func add(_ runs: [(entries: UnsafeRawPointer, dtype: DType)], count: Int) -> Int? {
    precondition(runs.count == number + (hasOrigin ? 1 : 0), "each vector has a run")
    let length = Self.blockLength
    var stray: Int?
    for start in stride(from: 0, to: count, by: length) {
      let filled = min(length, count - start)
      for (place, run) in runs.enumerated() {
        let target = vectors + place * length
        let entries = run.entries + start * run.dtype.size
        if kernel_widen(target, entries, run.dtype.kernelFloat, filled) != 0 { stray = stray ?? place }
        for index in filled..<length { target[index] = 0 }
      }
      let first = hasOrigin ? vectors + length : vectors
      if hasOrigin {
        for vector in 0..<number {
          let target = first + vector * length
          for index in 0..<length { target[index] -= vectors[index] }
        }
      }
      var place = 0
      for row in 0..<number {
        for column in row..<number {
          products[place] += kernel_dot2048(first + row * length, first + column * length, scratch)
          place += 1
        }
      }
    }
    return stray
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
