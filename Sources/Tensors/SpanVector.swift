/// A vector that is a weighted sum of some others, of which only the inner products are known.
///
/// Beside the weights it has coordinates in an orthonormal basis of what the others span, so that norms and angles of sums
/// and differences lose no figures: two vectors that nearly agree have a difference that is small in every coordinate.
public struct SpanVector: Sendable {
  /// How much of each of the others it is.
  public let weights: [Double]
  fileprivate let coordinates: [Double]

  public static func + (a: SpanVector, b: SpanVector) -> SpanVector { a.combined(with: b, +) }

  public static func - (a: SpanVector, b: SpanVector) -> SpanVector { a.combined(with: b, -) }

  public static func * (scale: Double, vector: SpanVector) -> SpanVector {
    SpanVector(weights: vector.weights.map { scale * $0 }, coordinates: vector.coordinates.map { scale * $0 })
  }

  /// The inner product.
  public func dot(_ other: SpanVector) -> Double { zip(coordinates, other.coordinates).reduce(0) { $0 + $1.0 * $1.1 } }

  public var norm: Double { dot(self).squareRoot() }

  private func combined(with other: SpanVector, _ combine: (Double, Double) -> Double) -> SpanVector {
    SpanVector(
      weights: zip(weights, other.weights).map(combine), coordinates: zip(coordinates, other.coordinates).map(combine))
  }
}

extension Gram {
  /// The vectors themselves, each a sum of itself alone.
  public var vectors: [SpanVector] {
    // The rows of the Cholesky factor are the vectors' coordinates; one that the others span has nothing of its own.
    var rows: [[Double]] = []
    for row in 0..<number {
      var coordinates = [Double](repeating: 0, count: number)
      for column in 0..<row {
        let known = (0..<column).reduce(0) { $0 + coordinates[$1] * rows[column][$1] }
        let pivot = rows[column][column]
        coordinates[column] = pivot > 0 ? (self[row, column] - known) / pivot : 0
      }
      let own = self[row, row] - (0..<row).reduce(0) { $0 + coordinates[$1] * coordinates[$1] }
      // What is left of rounding must not become a direction.
      coordinates[row] = own > 1e-14 * self[row, row] ? own.squareRoot() : 0
      rows.append(coordinates)
    }
    return rows.enumerated().map { index, coordinates in
      SpanVector(weights: (0..<number).map { $0 == index ? 1 : 0 }, coordinates: coordinates)
    }
  }

  /// The sum of nothing.
  public var zero: SpanVector {
    SpanVector(
      weights: [Double](repeating: 0, count: number), coordinates: [Double](repeating: 0, count: number))
  }
}

extension SpanVector {
  /// Σₖ wₖ xₖ; `zero` where there are none.
  public static func sum(_ vectors: [SpanVector], weights: [Double], zero: SpanVector) -> SpanVector {
    zip(weights, vectors).reduce(zero) { $0 + $1.0 * $1.1 }
  }
}
