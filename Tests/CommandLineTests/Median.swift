import Operations
import Tensors

/// The median of models: entry by entry the middle value, or the mean of the two in the middle.
struct Median: TensorwiseOperation {
  static let about = About(
    "median", "Merge models by taking the median of each entry.",
    cost: "O(models × entries), and a sort for each entry",
    examples: [About.Example("Of three models", "median([a, b, c])")])

  @Input("The models to merge.", count: 1...)
  var models: [Checkpoint]

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let operands = try models.map { try read($0).floats }
    let middle = operands.count / 2
    return Tensor(
      operands[0].indices.map { entry in
        let sorted = operands.map { $0[entry] }.sorted()
        return operands.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
      }, shape: try read(models[0]).shape)
  }
}
