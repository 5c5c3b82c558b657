import Operations
import Tensors

/// A base of which those entries are swapped for a model's that lie near them: `θ = w x + (1−w) b` with
/// `w = t / max(|x − b|, 10⁻⁶)`, from 0 to 1; as mergekit defines it.
struct NearSwap: TensorwiseOperation {
  static let about = About(
    "nearswap",
    "Swap the entries of a base for those of another model where they lie near, and move them a little where not.",
    discussion: """
      θ = w x + (1−w) b with w = t / max(|x − b|, 10⁻⁶), no more than 1: an entry x within the distance t of the base's b \
      is taken as it is; farther off, the base's moves by t towards it. `within` is t. This is mergekit's `nearswap`.
      """,
    cost: "O(entries); one tensor in memory at a time",
    examples: [Example("What differs by less than a thousandth", "nearswap(base:, model: a, within: 0.001)")])

  @Input("The model whose entries are swapped.")
  var base: Checkpoint
  @Input("The model to take entries from.")
  var model: Checkpoint
  @Param("How near an entry must lie to be taken as it is, t.", in: 0...)
  var within: Layered<Double>
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    Tensor.nearSwap(try read(base), try read(model), within: within(tensor))
  }
}

extension NearSwap: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    zip(try read(base).doubles, try read(model).doubles).map { b, x in
      let w = min(max(within(tensor) / max(abs(b - x), 1e-6), 0), 1)
      return w * x + (1 - w) * b
    }
  }
}
