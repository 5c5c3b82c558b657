extension DoubleMatrix {
  /// A tensor's axis against all others, in their order.
  public init(_ tensor: Tensor, unfolding axis: Int) { self.init(tensor.doubles, tensor.shape.axes, unfolding: axis) }

  /// The same of entries whose axes have these lengths.
  init(_ entries: [Double], _ lengths: [Int], unfolding axis: Int) {
    var result = DoubleMatrix(zeros: lengths[axis], entries.count / max(lengths[axis], 1))
    result.update { target in
      Self.eachPlace(lengths, axis) { folded, unfolded in target[unfolded] = entries[folded] }
    }
    self = result
  }

  /// The entries of the tensor that this is an unfolding of.
  func folded(to lengths: [Int], _ axis: Int) -> [Double] {
    var result = [Double](repeating: 0, count: entries.count)
    Self.eachPlace(lengths, axis) { folded, unfolded in result[folded] = entries[unfolded] }
    return result
  }

  /// Where each entry lies in the tensor, and where in the unfolding of an axis.
  private static func eachPlace(_ lengths: [Int], _ axis: Int, _ body: (Int, Int) -> Void) {
    let (outer, length, inner) = (
      lengths[..<axis].reduce(1, *), lengths[axis], lengths[(axis + 1)...].reduce(1, *)
    )
    for before in 0..<outer {
      for index in 0..<length {
        for after in 0..<inner {
          body((before * length + index) * inner + after, (index * outer + before) * inner + after)
        }
      }
    }
  }
}
