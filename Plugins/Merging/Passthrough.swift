import Operations
import Tensors

/// One model as it is, or each tensor times a number.
struct Passthrough: LinearOperation {
  static let about = About(
    "passthrough",
    "Take a model as it is, or scale its tensors.",
    discussion: "y = scale · x. This is mergekit's `passthrough`; its slices are `layers` and `stack` here.",
    cost: "O(entries); no tensor in memory",
    examples: [
      Example(
        "The last layer at half its size", "passthrough(a, scale: match tensor { \"layers.1.*\" => 0.5, _ => 1 })")
    ])

  static let version = 2

  @Input("The model.")
  var model: Checkpoint
  @Param("What each entry is multiplied by.")
  var scale: Layered<Double> = 1
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func sum(_ tensor: TensorName, _ read: TensorReader) -> LinearSum {
    LinearSum([model], weights: [scale(tensor)])
  }
}

extension Passthrough: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    try read(model).floats.map { Double(Float(scale(tensor)) * $0) }
  }
}
