import Diagnostics
import Operations
import Tensors

/// Low-rank factors for every expert of a stack, W[e] + s B[e] A[e]: what PEFT makes for `target_parameters`.
///
/// PEFT keeps A as (experts · r, in), expert after expert, and B as (out, r · experts), all experts' first columns first. In a running
/// `transformers` the stack is (experts, out, in), or (experts, in, out) in some models. Checkpoints hold it as it is, or each expert's
/// matrices in tensors of their own, with those of a gate and of what it gates below each other in the stack.
public struct ExpertFactors: Sendable {
  let a: TensorEntry
  let b: TensorEntry
  /// The stacks of the module that are adapted: which of them this is for, the shapes say.
  let names: [String]
  /// What the product is multiplied by, for a stack and a rank.
  let scale: @Sendable (_ name: String, _ rank: Int) throws -> Double

  /// A tensor of the model that changes.
  struct Place: Sendable {
    let tensor: String
    /// What the stack is called, which it is or which it is a part of.
    let stack: String
    let experts: Int
    /// Whether experts' matrices are (in, out).
    var isTransposed = false
    /// Which expert's rows it has; nil for all of all.
    var part: (expert: Int, rows: Range<Int>)?
  }

  /// What the matrices of one expert are called, in the order in which they lie below each other in a stack.
  private static let parts = [
    "gate_up_proj": [["gate_proj", "up_proj"], ["w1", "w3"]], "down_proj": [["down_proj"], ["w2"]],
  ]

  /// The tensors that they change.
  /// - Parameters:
  ///   - shape: Of a tensor of the model; nil where there is none.
  ///   - prefersTransposed: Whether stacks of squares are taken to be (experts, in, out).
  /// - Throws: `OperationError` where there are none, or it could be several stacks.
  func places(
    in label: String, of adapter: String, prefersTransposed: Bool, shape: (String) -> Shape?
  ) throws -> [Place] {
    let found = names.map { stacked($0, prefersTransposed, shape).map { [$0] } ?? apart($0, shape) }
    let fitting = found.filter { !$0.isEmpty }
    if fitting.count == 1 { return fitting[0] }
    let listed = names.map { "`\($0)`" }.joined(separator: " and ")
    guard fitting.isEmpty else {
      throw OperationError(
        .data, "`\(adapter)` has factors that fit \(listed) of `\(label)` alike, and nothing says which they are for")
    }
    throw OperationError(
      .data,
      "`\(a.name)` of `\(adapter)` is \(a.shape), `\(b.name)` is \(b.shape), and `\(label)` has no experts for them",
      notes: ["looked for are \(listed): a tensor of three axes, the experts first, or tensors for each expert"])
  }

  private func stacked(_ name: String, _ prefersTransposed: Bool, _ shape: (String) -> Shape?) -> Place? {
    guard let shape = shape(name), shape.rank == 3, fits(experts: shape[0]) else { return nil }
    let (isPlain, isTurned) = (
      [shape[1], shape[2]] == [b.shape[0], a.shape[1]], [shape[1], shape[2]] == [a.shape[1], b.shape[0]]
    )
    guard isPlain || isTurned else { return nil }
    return Place(
      tensor: name, stack: name, experts: shape[0], isTransposed: isTurned && (prefersTransposed || !isPlain))
  }

  private func fits(experts: Int) -> Bool {
    a.shape.rank == 2 && b.shape.rank == 2 && experts > 0 && a.shape[0] == b.shape[1] && a.shape[0] > 0
      && a.shape[0] % experts == 0
  }

  /// Experts in tensors of their own.
  private func apart(_ name: String, _ shape: (String) -> Shape?) -> [Place] {
    guard let dot = name.lastIndex(of: "."), let kinds = Self.parts[String(name[name.index(after: dot)...])] else {
      return []
    }
    // Mixtral's files call the module otherwise than `transformers` does.
    for module in [String(name[..<dot]), name[..<dot].replacing("mlp.experts", with: "block_sparse_moe.experts")] {
      for parts in kinds {
        var places: [Place] = []
        var experts = 0
        while let rows = rows(of: parts.map { "\(module).\(experts).\($0).weight" }, shape) {
          places += rows.map { .init(tensor: $0.tensor, stack: name, experts: 0, part: (experts, $0.rows)) }
          experts += 1
        }
        guard fits(experts: experts) else { continue }
        return places.map { .init(tensor: $0.tensor, stack: name, experts: experts, part: $0.part) }
      }
    }
    return []
  }

  /// Which rows of an expert's matrix some tensors have; nil where one is missing, or they do not fit together.
  private func rows(
    of tensors: [String], _ shape: (String) -> Shape?
  ) -> [(tensor: String, rows: Range<Int>)]? {
    var (start, result) = (0, [(tensor: String, rows: Range<Int>)]())
    for tensor in tensors {
      guard let shape = shape(tensor), shape.rank == 2, a.shape.rank == 2, shape[1] == a.shape[1] else { return nil }
      result.append((tensor, start..<start + shape[0]))
      start += shape[0]
    }
    return start == b.shape.axes.first ? result : nil
  }

  /// A tensor with what they add, worked out in float64 and rounded once to float32.
  func added(
    to base: Tensor, _ place: Place, share: Double, _ read: (TensorEntry) throws -> Tensor
  ) throws -> Tensor {
    let rank = a.shape[0] / place.experts
    let factor = share * (try scale(place.stack, rank))
    let (first, second) = (try read(a).doubles, try read(b).doubles)
    let inputs = a.shape[1]
    func change(_ expert: Int, _ outputs: Range<Int>) -> DoubleMatrix {
      let rows = DoubleMatrix(
        rows: rank, columns: inputs, Array(first[expert * rank * inputs..<(expert + 1) * rank * inputs]))
      let columns = outputs.flatMap { out in
        (0..<rank).map { second[(out * rank + $0) * place.experts + expert] }
      }
      let product = DoubleMatrix(rows: outputs.count, columns: rank, columns) * rows
      return place.isTransposed ? product.transposed : product
    }
    let changes =
      place.part.map { [change($0.expert, $0.rows)] } ?? (0..<place.experts).map { change($0, 0..<b.shape[0]) }
    let added = changes.flatMap(\.entries)
    return Tensor(zip(base.doubles, added).map { Float($0 + factor * $1) }, shape: base.shape)
  }
}
