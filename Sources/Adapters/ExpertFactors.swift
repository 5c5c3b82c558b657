import Diagnostics
import Operations
import Tensors

/// Low-rank factors for every expert of a stack, W[e] + s B[e] A[e]: what PEFT makes for `target_parameters`.
///
/// PEFT keeps A as (experts · r, in), expert after expert, and B as (out, r · experts), all experts' first columns first. The stack is
/// (experts, out, in), or (experts, in, out) in some models.
public struct ExpertFactors: Sendable {
  let a: TensorEntry
  let b: TensorEntry
  /// The stacks of the module that are adapted: which of them this is for, the shapes say.
  let names: [String]
  /// What the product is multiplied by, for a stack and a rank.
  let scale: @Sendable (_ name: String, _ rank: Int) throws -> Double

  /// Where they fit.
  struct Place: Sendable {
    let name: String
    let isTransposed: Bool
  }

  /// The stack that they are for.
  /// - Parameters:
  ///   - shape: Of a tensor of the model; nil where there is none.
  ///   - prefersTransposed: Whether stacks of squares are taken to be (experts, in, out).
  /// - Throws: `OperationError` where it is none, or could be several.
  func place(
    in label: String, of adapter: String, prefersTransposed: Bool, shape: (String) -> Shape?
  ) throws -> Place {
    let places = names.compactMap { name -> Place? in
      guard let shape = shape(name), shape.rank == 3, a.shape.rank == 2, b.shape.rank == 2, shape[0] > 0,
        a.shape[0] == b.shape[1], a.shape[0] > 0, a.shape[0] % shape[0] == 0
      else { return nil }
      let (isPlain, isTurned) = (
        [shape[1], shape[2]] == [b.shape[0], a.shape[1]], [shape[1], shape[2]] == [a.shape[1], b.shape[0]]
      )
      guard isPlain || isTurned else { return nil }
      return Place(name: name, isTransposed: isTurned && (prefersTransposed || !isPlain))
    }
    if places.count == 1 { return places[0] }
    let listed = names.map { "`\($0)`" }.joined(separator: " and ")
    guard places.isEmpty else {
      throw OperationError(
        .data, "`\(adapter)` has factors that fit \(listed) of `\(label)` alike, and nothing says which they are for")
    }
    throw OperationError(
      .data,
      "`\(a.name)` of `\(adapter)` is \(a.shape), `\(b.name)` is \(b.shape), and `\(label)` has no stack of experts for them",
      notes: ["looked for are \(listed): a tensor of three axes, the experts first"],
      helps: ["a model that keeps each expert's weights in tensors of their own is to be stacked first"])
  }

  /// The stack with what they add, worked out in float64 and rounded once to float32.
  func added(
    to base: Tensor, _ place: Place, share: Double, _ read: (TensorEntry) throws -> Tensor
  ) throws -> Tensor {
    let experts = base.shape[0]
    let rank = a.shape[0] / experts
    let (inputs, outputs) = (a.shape[1], b.shape[0])
    let factor = share * (try scale(place.name, rank))
    let (first, second) = (try read(a).doubles, try read(b).doubles)
    var entries = base.doubles.map { $0 }
    for expert in 0..<experts {
      let rows = DoubleMatrix(
        rows: rank, columns: inputs, Array(first[expert * rank * inputs..<(expert + 1) * rank * inputs]))
      let columns = DoubleMatrix(
        rows: outputs, columns: rank,
        (0..<outputs).flatMap { out in (0..<rank).map { second[(out * rank + $0) * experts + expert] } })
      let product = columns * rows
      let change = (place.isTransposed ? product.transposed : product).entries
      for (index, entry) in change.enumerated() { entries[expert * inputs * outputs + index] += factor * entry }
    }
    return Tensor(entries.map { Float($0) }, shape: base.shape)
  }
}
