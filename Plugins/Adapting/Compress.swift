import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// What training changed, as a Tucker or Kronecker adapter.
struct Compress: AdapterStart {
  enum Form: String, Choice {
    case tucker, kronecker

    var text: String {
      switch self {
      case .tucker: "A core and a factor for each axis (FLoRA's form), by orthogonal iteration from HOSVD."
      case .kronecker: "A sum of Kronecker products, by the singular values of blocks; one term is PEFT's LoKr."
      }
    }
  }

  static let about = About(
    "compress",
    "Make a Tucker or Kronecker adapter of what training changed.",
    discussion: """
      `.tucker` takes the leading singular vectors of each axis, improves them axis by axis (HOOI) and multiplies the change \
      with them for the core; kernels of convolutions keep their four axes. `.kronecker` takes the nearest sum of `rank` \
      Kronecker products. The configuration has each layer's `relative_error` under `mergekit`.
      """,
    papers: [
      .init("De Lathauwer et al. 2000, On the best rank-1 and rank-(R1, …, RN) approximation of higher-order tensors"),
      .init("Van Loan and Pitsianis 1993, Approximation with Kronecker products"),
    ],
    cost: "O(entries × lesser side) for each layer",
    examples: [
      Example("A core of 4×4", "compress(a - base, rank: 4)"),
      Example("Two Kronecker products", "compress(a - base, form: .kronecker, rank: 2)"),
    ])

  static let axes = 2...4

  @Input("What training changed: the tuned model less its base.")
  var delta: Delta
  @Param("Length of the core's axes, or how many products.", in: 1...65_536)
  var rank: Int
  @Param("What it becomes.")
  var form: Form = .tucker
  @Include var chosen: TargetLayers
  @Param("Length of a Tucker core's axes for a convolution's height and width, at most.", in: 1...64)
  var kernelRank: Int = 2
  @Param("Both sides of a Kronecker product's first factor, where it divides the weight's.", in: 1...65_536)
  var factor: Int? = nil

  var source: Content { delta.content }
  var kind: any AdapterKind.Type {
    form == .tucker ? Tucker.self : rank == 1 ? Kronecker.self : KroneckerSum.self
  }

  func check(_ target: AdapterTarget) throws {
    switch form {
    case .tucker:
      for length in target.tuckerAxes.prefix(2) where rank > length {
        throw target.refused(rank: rank, most: length, of: "compress")
      }
    case .kronecker:
      guard target.shape.rank == 2 else {
        throw OperationError(
          .step, "`\(target.weight)` is \(target.shape), and only matrices become Kronecker products")
      }
      try target.check(kronecker: kind)
      try target.check(products: rank, factor: factor, of: "compress")
    }
  }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? { nil }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    form == .tucker
      ? Tucker.fields(rank: rank, scale: 1, isTransposed: targets.first?.isTransposed ?? false)
      : KroneckerFactors.fields(kind, factor: factor, targets)
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    switch form {
    case .tucker: return try tucker(target)
    case .kronecker:
      let selection = KroneckerFactors.Selection(rank: rank, energy: 1, elbow: false)
      let split = KroneckerFactors.Split(target, factor: factor)
      guard let found = KroneckerFactors(try matrix(target), split, selection) else {
        throw OperationError.notDecomposed(target.weight, by: "compress")
      }
      return StartedLayer(parts: found.parts(kind), facts: ["relative_error": found.relativeError])
    }
  }

  private func tucker(_ target: AdapterTarget) throws -> StartedLayer {
    let stored = try source.finiteTensor(target.weight)
    // FLoRA's axes are inputs, outputs, height, width.
    let tensor =
      stored.shape.rank == 2 ? Tensor(target.matrix(stored).transposed) : stored.swappingFirstAxes
    let ranks = tensor.shape.axes.enumerated().map { $0 < 2 ? rank : min(kernelRank, $1) }
    guard let found = TuckerDecomposition(tensor, ranks: ranks) else {
      throw OperationError.notDecomposed(target.weight, by: "compress")
    }
    let factors = found.factors.enumerated().map { ("flora_factor_\($0)", Tensor($1)) }
    return StartedLayer(
      parts: [("flora_core", found.core)] + factors, facts: ["relative_error": found.relativeError])
  }

  func finished(_ layers: [StartedLayer]) throws {
    // The core, or the first factor of each product.
    guard layers.allSatisfy({ $0.parts.first?.tensor.norm == 0 }) else { return }
    throw OperationError(
      .data, "`\(delta.label)` is zero in every layer that `targets` names, so there is nothing to compress",
      helps: ["it is what a model less itself gives: look at what was subtracted"])
  }

  func workspace(_ target: AdapterTarget) -> Int {
    form == .tucker ? TuckerDecomposition.byteCount(target.tuckerAxes) : target.kroneckerWorkspace(factor: factor)
  }
}

extension Tensor {
  /// The same with its first two axes in each other's places, in float32.
  fileprivate var swappingFirstAxes: Tensor {
    let (first, second) = (shape[0], shape[1])
    let inner = shape.axes.dropFirst(2).reduce(1, *)
    let entries = floats
    var swapped: [Float] = []
    swapped.reserveCapacity(entries.count)
    for column in 0..<second {
      for row in 0..<first {
        let start = (row * second + column) * inner
        swapped += entries[start..<start + inner]
      }
    }
    return Tensor(swapped, shape: Shape([second, first] + shape.axes.dropFirst(2)))
  }
}
