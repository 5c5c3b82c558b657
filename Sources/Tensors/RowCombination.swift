/// A vector as a sum of some rows of a matrix, each times a number.
public struct RowCombination: Sendable {
  public let rows: [Int]
  public let weights: [Double]

  public init(rows: [Int], weights: [Double]) {
    precondition(rows.count == weights.count, "each row has a weight")
    (self.rows, self.weights) = (rows, weights)
  }

  /// Each row of a matrix by at most so many rows of another, by orthogonal matching pursuit (Pati et al. 1993).
  ///
  /// In turn the row is taken that has the largest inner product with what is left, of equal ones the first; what is left
  /// is then the target less its projection on all that were taken. It ends early where nothing is left.
  public static func matchingPursuit(_ targets: DoubleMatrix, by points: DoubleMatrix, terms: Int) -> [RowCombination] {
    precondition(targets.columns == points.columns, "vectors of one length")
    var pursuits = (0..<targets.rows).map { Pursuit(targets.row($0)) }
    for _ in 0..<min(terms, points.rows) {
      let rest = DoubleMatrix(rows: targets.rows, columns: targets.columns, pursuits.flatMap(\.rest))
      let products = DoubleMatrix.product(rest, transposed: points)
      for index in pursuits.indices { pursuits[index].take(products.row(index), points) }
      if pursuits.allSatisfy(\.isDone) { break }
    }
    return pursuits.map(\.combination)
  }

  /// Each row of a matrix by the rows of another that are nearest to it, of equally near ones the first; the nearer, the more
  /// each counts.
  ///
  /// - Parameter isByAngle: Nearness is the cosine of the angle, which is the weight; otherwise it is the distance, and one
  ///   divided by the distance, taken as 10⁻⁶ at least, is the weight. Weights are divided by their sum.
  public static func nearest(
    _ targets: DoubleMatrix, among points: DoubleMatrix, count: Int, isByAngle: Bool
  ) -> [RowCombination] {
    precondition(targets.columns == points.columns, "vectors of one length")
    let products = DoubleMatrix.product(targets, transposed: points)
    let squares = points.rowProducts(with: points)
    return zip(0..<targets.rows, targets.rowProducts(with: targets)).map { target, square in
      let row = products.row(target)
      let far = row.indices.map { point in
        isByAngle
          ? 1 - row[point] / max((square * squares[point]).squareRoot(), 1e-6)
          : square - 2 * row[point] + squares[point]
      }
      let order = far.indices.sorted { far[$0] != far[$1] ? far[$0] < far[$1] : $0 < $1 }
      let chosen = Array(order.prefix(count))
      let weights = chosen.map { point -> Double in
        guard !isByAngle else { return 1 - far[point] }
        // The distance itself, not from products that nearly cancel out.
        let squares = zip(targets.row(target), points.row(point)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return 1 / max(squares.squareRoot(), 1e-6)
      }
      let sum = max(weights.reduce(0, +), 1e-6)
      return RowCombination(rows: chosen, weights: weights.map { $0 / sum })
    }
  }
}

/// One target on its way: the rows that were taken, made orthonormal, and what is left.
private struct Pursuit {
  private let target: [Double]
  private(set) var rest: [Double]
  private(set) var isDone = false
  private var rows: [Int] = []
  private var basis: [[Double]] = []
  /// Column by column, what makes the taken rows of the basis: upper triangular.
  private var factors: [[Double]] = []

  init(_ target: ArraySlice<Double>) {
    self.target = Array(target)
    rest = self.target
  }

  private static func product(_ a: some Collection<Double>, _ b: some Collection<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Takes one more row.
  /// - Parameter products: Of what is left with each of the points.
  mutating func take(_ products: ArraySlice<Double>, _ points: DoubleMatrix) {
    guard !isDone else { return }
    var (best, largest) = (-1, 0.0)
    for (point, product) in products.enumerated() where abs(product) > largest && !rows.contains(point) {
      (best, largest) = (point, abs(product))
    }
    let whole = Self.product(target, target)
    guard best >= 0, Self.product(rest, rest) > 1e-24 * whole else {
      isDone = true
      return
    }
    let point = points.row(best)
    var vector = Array(point)
    var column = [Double](repeating: 0, count: basis.count)
    // Twice is enough (Giraud et al. 2005).
    for _ in 0..<2 {
      for (index, direction) in basis.enumerated() {
        let length = Self.product(direction, vector)
        column[index] += length
        for place in vector.indices { vector[place] -= length * direction[place] }
      }
    }
    let length = Self.product(vector, vector).squareRoot()
    guard length > 1e-10 * Self.product(point, point).squareRoot() else {
      isDone = true
      return
    }
    let direction = vector.map { $0 / length }
    rows.append(best)
    basis.append(direction)
    factors.append(column + [length])
    let share = Self.product(direction, rest)
    for place in rest.indices { rest[place] -= share * direction[place] }
  }

  /// The target's projection on what was taken, written in the rows themselves.
  var combination: RowCombination {
    var weights = basis.map { Self.product($0, target) }
    for index in weights.indices.reversed() {
      for later in (index + 1)..<max(index + 1, weights.count) {
        weights[index] -= factors[later][index] * weights[later]
      }
      weights[index] /= factors[index][index]
    }
    return RowCombination(rows: rows, weights: weights)
  }
}

extension DoubleMatrix {
  /// One row's entries; they count from 0.
  fileprivate func row(_ index: Int) -> ArraySlice<Double> {
    ArraySlice(entries[index * columns..<(index + 1) * columns].map { $0 })
  }
}
