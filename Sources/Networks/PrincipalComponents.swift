import Tensors

/// The directions in which rows of numbers vary most, found as the rows come.
///
/// Either incrementally, keeping as many components as asked for (Ross et al. 2008), by the sketches that PEFT's EVA takes; or from
/// the whole covariance, which is exact.
public struct PrincipalComponents: Sendable {
  public enum Method: Sendable {
    case incremental
    case covariance
  }

  /// (components, width), rows orthonormal, the one that explains most first; empty before any row.
  public private(set) var components: DoubleMatrix
  /// Σ over all rows of the squares along each component, rooted.
  public private(set) var singularValues: [Double] = []
  /// Rows that were seen.
  public private(set) var count = 0
  /// How many components are kept at most.
  public let wanted: Int
  private let method: Method
  private var mean: [Double]
  /// Σ (x − mean)² of each column.
  private var scatter: [Double]
  /// Σ (x − mean) (x − mean)ᵀ, where the covariance is kept.
  private var products: DoubleMatrix?

  /// - Parameter wanted: How many components are kept.
  public init(_ wanted: Int, width: Int, _ method: Method) {
    self.wanted = min(wanted, width)
    self.method = method
    components = DoubleMatrix(zeros: 0, width)
    mean = [Double](repeating: 0, count: width)
    scatter = mean
    if case .covariance = method { products = DoubleMatrix(zeros: width, width) }
  }

  public var width: Int { mean.count }

  /// The share of all scatter that each component explains.
  public var explained: [Double] {
    let total = scatter.reduce(0, +)
    return singularValues.map { total > 0 ? $0 * $0 / total : 0 }
  }

  /// Adds rows.
  /// - Returns: False where a decomposition failed; then nothing changed.
  public mutating func add(_ rows: RowSummary) -> Bool {
    guard rows.count > 0 else { return true }
    let total = Double(count + rows.count)
    let shift = (0..<width).map { mean[$0] - rows.mean[$0] }
    let weight = Double(count) * Double(rows.count) / total
    let between = count > 0 ? DoubleMatrix(rows: 1, columns: width, shift.map { $0 * weight.squareRoot() }) : nil
    switch (method, rows.form) {
    case (.covariance, let form):
      guard let products else { preconditionFailure("the covariance is kept from the start") }
      self.products = products + form.products + between.map { .product(transposed: $0, $0) }
    case (.incremental, .products(let products)):
      let before = between.map { DoubleMatrix.stacked([components.scalingRows(by: singularValues), $0]) }
      let sum = products + before.map { .product(transposed: $0, $0) }
      guard let found = SketchedDirections(ofTall: sum, count: wanted, isFirst: count == 0) else { return false }
      keep(found.vectors, found.values)
    case (.incremental, .rows(let centred)):
      let parts = count > 0 ? [components.scalingRows(by: singularValues), centred] : [centred]
      let rows = DoubleMatrix.stacked(parts + [between].compactMap { $0 })
      let isTall = rows.rows >= rows.columns
      let found =
        isTall
        ? SketchedDirections(ofTall: .product(transposed: rows, rows), count: wanted, isFirst: count == 0)
        : SketchedDirections(ofWide: rows, count: wanted, isFirst: count == 0)
      guard let found else { return false }
      keep(found.vectors, found.values)
    }
    for column in 0..<width {
      scatter[column] += rows.scatter[column] + shift[column] * shift[column] * weight
      mean[column] = (mean[column] * Double(count) + rows.mean[column] * Double(rows.count)) / total
    }
    count += rows.count
    return true
  }

  /// The cosine of each component with another's of the same number, as far as both have them.
  public func cosines(with other: PrincipalComponents) -> [Double] {
    (0..<min(components.rows, other.components.rows)).map { row in
      (0..<width).reduce(0) { $0 + components[row, $1] * other.components[row, $1] }
    }
  }

  /// Works the components out of the covariance; does nothing where they are kept up to date.
  /// - Returns: False where the decomposition failed.
  public mutating func finish() -> Bool {
    guard let products else { return true }
    guard let found = SymmetricEigenvalues(products, first: wanted) else { return false }
    keep(found.vectors, found.values.map { max($0, 0).squareRoot() })
    return true
  }

  /// Keeps the first components, each with its entry of largest size positive.
  private mutating func keep(_ rows: DoubleMatrix, _ values: [Double]) {
    let kept = min(wanted, rows.rows)
    var components = rows.firstRows(kept)
    for row in 0..<kept {
      let largest = (0..<width).reduce(0) { abs(components[row, $1]) > abs(components[row, $0]) ? $1 : $0 }
      guard components[row, largest] < 0 else { continue }
      for column in 0..<width { components[row, column] = -components[row, column] }
    }
    self.components = components
    singularValues = Array(values.prefix(kept))
  }
}

extension RowSummary.Form {
  fileprivate var products: DoubleMatrix {
    switch self {
    case .rows(let matrix): .product(transposed: matrix, matrix)
    case .products(let matrix): matrix
    }
  }
}

extension DoubleMatrix {
  fileprivate static func + (a: DoubleMatrix, b: DoubleMatrix?) -> DoubleMatrix { b.map { a + $0 } ?? a }
}
