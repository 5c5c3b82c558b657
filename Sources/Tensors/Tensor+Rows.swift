extension Tensor {
  /// The rows of these numbers along the first axis, in this order; a number may stand there more than once.
  public func gatheringRows(_ indices: [Int]) -> Tensor {
    precondition(shape.rank > 0, "a scalar has no rows")
    let rowBytes = shape.axes.dropFirst().reduce(dtype.size, *)
    let rows = shape[0]
    let buffer = Buffer(count: indices.count * rowBytes) { target in
      withBytes { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        for (row, index) in indices.enumerated() {
          precondition(index >= 0 && index < rows, "there is no row \(index) among \(rows)")
          (target + row * rowBytes).copyMemory(from: source + index * rowBytes, byteCount: rowBytes)
        }
      }
    }
    return Tensor(dtype: dtype, shape: Shape([indices.count] + shape.axes.dropFirst()), buffer: buffer)
  }
}
