/// Where a row comes from that is put together of other tensors' rows.
public enum RowSource: Sendable, Hashable {
  /// Rows of some of the tensors, averaged in float64; one row alone is taken as it is.
  case mean([Place])
  /// The mean of a range of rows of one tensor.
  case meanOfRows(Range<Int>, tensor: Int)
  /// The mean, in float64, of all rows of the result that come from elsewhere.
  case meanOfOthers
  case zero

  public struct Place: Sendable, Hashable {
    public let tensor: Int
    public let row: Int

    public init(tensor: Int, row: Int) {
      self.tensor = tensor
      self.row = row
    }
  }
}

extension Tensor {
  /// A tensor whose rows along the first axis come from those of other tensors with rows of the same shape.
  public static func assembled(rows: [RowSource], of tensors: [Tensor], as dtype: DType) -> Tensor {
    guard let first = tensors.first, first.shape.rank > 0 else { preconditionFailure("there are no rows") }
    let axes = Array(first.shape.axes.dropFirst())
    let width = axes.reduce(1, *)
    precondition(tensors.allSatisfy { Array($0.shape.axes.dropFirst()) == axes }, "rows of one shape")
    let made = Tensor(shape: Shape([rows.count] + axes)) { result in
      var sums = [Double](repeating: 0, count: width)
      var means: [RowSource: [Float]] = [:]
      let place = UnsafeMutableBufferPointer<Float>.allocate(capacity: width)
      defer { place.deallocate() }
      func add(_ tensor: Int, _ row: Int) {
        tensors[tensor].copyFloats(row * width..<(row + 1) * width, to: place)
        for column in 0..<width { sums[column] += Double(place[column]) }
      }
      func finish(_ count: Int, _ target: UnsafeMutableBufferPointer<Float>) {
        for column in 0..<width {
          target[column] = Float(sums[column] / Double(max(1, count)))
          sums[column] = 0
        }
      }
      for (index, source) in rows.enumerated() {
        let target = UnsafeMutableBufferPointer(rebasing: result[index * width..<(index + 1) * width])
        switch source {
        case .zero: target.update(repeating: 0)
        case .mean(let places) where places.count == 1:
          tensors[places[0].tensor].copyFloats(places[0].row * width..<(places[0].row + 1) * width, to: target)
        case .mean(let places):
          for place in places { add(place.tensor, place.row) }
          finish(places.count, target)
        case .meanOfRows(let range, let tensor):
          if let known = means[source] {
            _ = target.update(from: known)
            continue
          }
          for row in range { add(tensor, row) }
          finish(range.count, target)
          means[source] = Array(target)
        case .meanOfOthers: continue
        }
      }
      fillMeans(result, rows, width: width)
    }
    return made.converted(to: dtype)
  }

  private static func fillMeans(_ result: UnsafeMutableBufferPointer<Float>, _ rows: [RowSource], width: Int) {
    let padding = rows.indices.filter { rows[$0] == .meanOfOthers }
    guard let first = padding.first else { return }
    var sums = [Double](repeating: 0, count: width)
    for index in rows.indices where rows[index] != .meanOfOthers {
      for column in 0..<width { sums[column] += Double(result[index * width + column]) }
    }
    let count = Double(max(1, rows.count - padding.count))
    for column in 0..<width { result[first * width + column] = Float(sums[column] / count) }
    for index in padding.dropFirst() {
      for column in 0..<width { result[index * width + column] = result[first * width + column] }
    }
  }
}
