import Diagnostics
import Operations
import Tensors

/// The feed-forward part of a dense model's layers: two matrices whose products are multiplied, and one that leads back.
struct DenseFeedForward {
  let layers: [Int]
  /// How many inputs a layer has, and how many units lie within it.
  let inputs: Int
  let units: Int
  let dtype: DType

  /// What the matrices are called, after the layer's `mlp`.
  private static let matrices = ["gate_proj.weight", "up_proj.weight", "down_proj.weight"]

  /// - Throws: `OperationError` where a layer of the model has not just these matrices.
  init(of model: Checkpoint) throws {
    layers = model.content.layers
    let entries = Dictionary(uniqueKeysWithValues: model.content.tensors.map { ($0.name, $0) })
    func gate(_ layer: Int) -> TensorEntry? { entries["model.layers.\(layer).mlp.\(Self.matrices[0])"] }
    guard let first = layers.first, let gate = gate(first), gate.shape.rank == 2 else {
      throw OperationError(
        .data, "`\(model.label)` has no layers with `mlp.gate_proj.weight`", helps: ["experts are made of dense models"]
      )
    }
    (inputs, units, dtype) = (gate.shape[1], gate.shape[0], gate.dtype)
    for layer in layers {
      for matrix in Self.matrices {
        let name = "model.layers.\(layer).mlp.\(matrix)"
        guard let entry = entries[name] else {
          throw OperationError(
            .data, "`\(model.label)` has no `\(name)`", helps: ["experts are made of dense models, of all their layers"]
          )
        }
        let shape: Shape = matrix == "down_proj.weight" ? [inputs, units] : [units, inputs]
        guard entry.shape == shape else {
          throw OperationError(.data, "`\(name)` of `\(model.label)` is \(entry.shape), and should be \(shape)")
        }
      }
    }
    for entry in model.content.tensors {
      guard let place = Self.place(of: entry.name), !Self.matrices.contains(place.matrix) else { continue }
      throw OperationError(.data, "an expert has no place for `\(entry.name)` of `\(model.label)`")
    }
  }

  /// The layer and the matrix that a tensor's name says; nil for any other tensor.
  static func place(of name: String) -> (layer: Int, matrix: String)? {
    let parts = name.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0] == "model", parts[1] == "layers", parts[3] == "mlp", let layer = Int(parts[2])
    else { return nil }
    return (layer, String(parts[4]))
  }

  static func isPart(_ name: String) -> Bool { place(of: name) != nil }
}
