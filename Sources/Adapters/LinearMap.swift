import Operations
import Tensors

/// A matrix written as a formula of an adapter's tensors: what a layer adds, before anybody multiplies it out.
///
/// `matrix` multiplies it out, to fold it into a weight. A running network need not: products are applied factor by factor, only
/// what is no matrix as it is kept is multiplied out, and gradients reach the tensors that `tensors` names.
public indirect enum LinearMap: Sendable {
  /// A tensor as it is: its first axis against all others. A vector is a column.
  case tensor(TensorEntry)
  /// A tensor's axis against all others, in their order.
  case unfolding(TensorEntry, axis: Int)
  /// One of the matrices that a tensor of three axes holds.
  case slice(TensorEntry, Int)
  /// A square matrix with these numbers on its diagonal.
  case diagonal(TensorEntry)
  case transposed(LinearMap)
  /// The last is applied first.
  case product([LinearMap])
  case kronecker([LinearMap])
  /// Entry by entry.
  case hadamard([LinearMap])
  case sum([LinearMap])
  case scaled(Double, LinearMap)
  /// The factors of many skills, mixed for one task.
  case mixture(SkillMixture)
}

extension LinearMap {
  /// Nil where the tensors' shapes do not fit one another.
  public var size: (rows: Int, columns: Int)? {
    switch self {
    case .tensor(let entry):
      guard let rows = entry.shape.axes.first else { return nil }
      return (rows, entry.shape.axes.dropFirst().reduce(1, *))
    case .unfolding(let entry, let axis):
      guard axis < entry.shape.rank else { return nil }
      return (entry.shape[axis], entry.shape.axes.enumerated().reduce(1) { $1.offset == axis ? $0 : $0 * $1.element })
    case .slice(let entry, let index):
      guard entry.shape.rank == 3, index < entry.shape[0] else { return nil }
      return (entry.shape[1], entry.shape[2])
    case .diagonal(let entry): return entry.shape.rank == 1 ? (entry.shape[0], entry.shape[0]) : nil
    case .transposed(let map): return map.size.map { ($0.columns, $0.rows) }
    case .product(let maps):
      guard let first = maps.first?.size else { return nil }
      return maps.dropFirst().reduce(first) { sofar, map in
        guard let sofar, let size = map.size, sofar.columns == size.rows else { return nil }
        return (sofar.rows, size.columns)
      }
    case .kronecker(let maps):
      return maps.reduce((1, 1)) { sofar, map in
        guard let sofar, let size = map.size else { return nil }
        return (sofar.rows * size.rows, sofar.columns * size.columns)
      }
    case .sum(let maps), .hadamard(let maps):
      guard let first = maps.first?.size else { return nil }
      return maps.allSatisfy { $0.size.map { $0 == first } ?? false } ? first : nil
    case .scaled(_, let map): return map.size
    case .mixture(let mixture): return mixture.size
    }
  }

  /// The tensors that it is made of, each once.
  public var tensors: [TensorEntry] {
    switch self {
    case .tensor(let entry), .unfolding(let entry, _), .slice(let entry, _), .diagonal(let entry): return [entry]
    case .transposed(let map), .scaled(_, let map): return map.tensors
    case .product(let maps), .kronecker(let maps), .hadamard(let maps), .sum(let maps):
      var names: Set<String> = []
      return maps.flatMap(\.tensors).filter { names.insert($0.name).inserted }
    case .mixture(let mixture): return [mixture.bank, mixture.router]
    }
  }

  /// Multiplied out, in float64.
  /// - Parameter read: Reads one of the tensors.
  public func matrix(_ read: (TensorEntry) throws -> Tensor) throws -> DoubleMatrix {
    guard let size else { preconditionFailure("a formula is multiplied out whose shapes were never checked") }
    switch self {
    case .tensor(let entry): return DoubleMatrix(rows: size.rows, columns: size.columns, try read(entry).doubles)
    case .unfolding(let entry, let axis): return DoubleMatrix(try read(entry), unfolding: axis)
    case .slice(let entry, let index):
      let count = size.rows * size.columns
      let entries = try read(entry).doubles[index * count..<(index + 1) * count]
      return DoubleMatrix(rows: size.rows, columns: size.columns, Array(entries))
    case .diagonal(let entry):
      var matrix = DoubleMatrix(zeros: size.rows, size.columns)
      for (index, value) in try read(entry).doubles.enumerated() { matrix[index, index] = value }
      return matrix
    case .transposed(let map): return try map.matrix(read).transposed
    case .product(let maps): return try Self.product(of: maps, read)
    case .kronecker(let maps):
      let matrices = try maps.map { try $0.matrix(read) }
      return matrices.dropFirst().reduce(matrices[0]) { $0.kronecker($1) }
    case .hadamard(let maps):
      let matrices = try maps.map { try $0.matrix(read) }
      return matrices.dropFirst().reduce(matrices[0]) { $0.hadamard($1) }
    case .sum(let maps):
      let matrices = try maps.map { try $0.matrix(read) }
      return matrices.dropFirst().reduce(matrices[0], +)
    case .scaled(let scale, let map): return scale * (try map.matrix(read))
    case .mixture(let mixture): return try mixture.matrix(read)
    }
  }

  /// From the narrower end, so that nothing between is larger than it must be.
  private static func product(of maps: [LinearMap], _ read: (TensorEntry) throws -> Tensor) throws -> DoubleMatrix {
    let matrices = try maps.map { try $0.matrix(read) }
    guard matrices[0].rows > matrices[matrices.count - 1].columns else {
      return matrices.dropFirst().reduce(matrices[0], *)
    }
    return matrices.dropLast().reversed().reduce(matrices[matrices.count - 1]) { $1 * $0 }
  }

  /// The number that all of it is multiplied by, and the rest.
  var split: (scale: Double, map: LinearMap) {
    guard case .scaled(let scale, let map) = self else { return (1, self) }
    let inner = map.split
    return (scale * inner.scale, inner.map)
  }

  // MARK: As two factors

  /// Whether some part of it is narrower than the whole, as `factors` needs.
  var hasFactors: Bool {
    switch self {
    case .scaled(_, let map): map.hasFactors
    case .sum(let maps): maps.allSatisfy(\.hasFactors)
    case .product(let maps): maps.count > 1
    default: false
    }
  }

  /// B and A with the map as B · A, cut where its products are narrowest; the scale lies in B.
  ///
  /// Nil where no part of it is narrower than the whole: a Kronecker product, a tensor as it is.
  public func factors(_ read: (TensorEntry) throws -> Tensor) throws -> (b: DoubleMatrix, a: DoubleMatrix)? {
    switch self {
    case .scaled(let scale, let map):
      return try map.factors(read).map { (scale * $0.b, $0.a) }
    case .sum(let maps):
      var (b, a): ([DoubleMatrix], [DoubleMatrix]) = ([], [])
      for map in maps {
        guard let factors = try map.factors(read) else { return nil }
        b.append(factors.b)
        a.append(factors.a)
      }
      return (.beside(b), .stacked(a))
    case .product(let maps):
      let parts = maps.flatMap(\.multiplied)
      let widths = parts.dropLast().map { $0.size?.columns ?? 0 }
      guard let width = widths.min(), let cut = widths.firstIndex(of: width) else { return nil }
      return (try Self.product(of: Array(parts[...cut]), read), try Self.product(of: Array(parts[(cut + 1)...]), read))
    default: return nil
    }
  }

  /// What is multiplied in a product of products.
  private var multiplied: [LinearMap] {
    if case .product(let maps) = self { maps.flatMap(\.multiplied) } else { [self] }
  }
}
