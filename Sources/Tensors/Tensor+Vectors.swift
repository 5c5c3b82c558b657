extension Tensor {
  /// What of a matrix is taken for one vector.
  public enum VectorAxis: Sendable {
    /// The entries along the last axis.
    case rows
    /// The entries along the first axis.
    case columns
  }

  /// Combines tensors vector by vector, as float32: o + Σₖ wₖ (xₖ − o), or Σₖ wₖ xₖ without an origin.
  ///
  /// Entries are worked out in float64, in the order of the operands. A tensor of one axis is one vector.
  /// - Parameter weights: Makes the weights of a vector from its inner products.
  public static func combined(
    _ tensors: [Tensor], from origin: Tensor? = nil, along axis: VectorAxis, weights: (Gram) throws -> [Double]
  ) rethrows -> Tensor {
    guard let shape = tensors.first?.shape else { preconditionFailure("there is no tensor to combine") }
    let width = shape.rank > 1 ? shape.axes[shape.rank - 1] : shape.count
    let height = shape.rank > 1 ? shape.axes[0] : 1
    let count = shape.count
    let (length, number) =
      shape.rank < 2
      ? (count, count > 0 ? 1 : 0)
      : axis == .rows ? (width, width > 0 ? count / width : 0) : (height, height > 0 ? count / height : 0)
    let stride = shape.rank < 2 || axis == .rows ? 1 : number
    let values = tensors.map(\.doubles)
    let base = origin?.doubles
    return try Tensor(shape: shape) { result in
      for vector in 0..<number {
        let start = stride == 1 ? vector * length : vector
        let places = Swift.stride(from: start, to: start + length * stride, by: stride)
        let gram = Gram(of: values, from: base, at: places)
        let weights = try weights(gram)
        precondition(weights.count == tensors.count, "each tensor has a weight")
        for place in places {
          let start = base?[place] ?? 0
          var sum = start
          for (value, weight) in zip(values, weights) { sum += weight * (value[place] - start) }
          result[place] = Float(sum)
        }
      }
    }
  }
}

extension Gram {
  /// The inner products of some entries of vectors, less the origin's.
  fileprivate init(of vectors: [[Double]], from origin: [Double]?, at places: StrideTo<Int>) {
    var products: [Double] = []
    for row in vectors.indices {
      for column in row..<vectors.count {
        var sum = 0.0
        for place in places {
          let start = origin?[place] ?? 0
          sum += (vectors[row][place] - start) * (vectors[column][place] - start)
        }
        products.append(sum)
      }
    }
    self.init(number: vectors.count, products: products)
  }
}
