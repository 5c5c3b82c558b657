import Diagnostics
import Operations
import Tensors

/// What an adapter makes of one linear layer, as formulas of the adapter's tensors.
///
/// With `y₀ = W · (i ∘ x) + b`, the layer gives `y = o ∘ (y₀ + M · x + N · y₀ + c)`, where every letter but W, b and x may be
/// missing. `lengths` (DoRA) then scales each row of the weight to a length of its own.
public struct AdaptedLayer: Sendable {
  /// Whether W is still there; a compressed layer is M alone.
  public var keepsWeight = true
  /// M, (out, in).
  public var onInput: LinearMap?
  /// N, (out, out).
  public var onOutput: LinearMap?
  /// c, (out, 1).
  public var offset: LinearMap?
  /// i, one number for each input.
  public var inputFactors: TensorEntry?
  /// o, one number for each output; the bias is multiplied too.
  public var outputFactors: TensorEntry?
  /// The length that each row of the weight gets.
  public var lengths: TensorEntry?
  /// Rows of the weight that are others, such as those of tokens that were trained alone; nothing else of it then changes.
  public var rows: ReplacedRows?
  /// What is added to each expert of a stack; there is nothing else of it then.
  var experts: ExpertFactors?
  /// Whether the model keeps this weight as (in, out).
  public var isTransposed = false

  public init(onInput: LinearMap? = nil) { self.onInput = onInput }

  /// The tensors of the adapter that it is made of.
  public var tensors: [TensorEntry] {
    [onInput, onOutput, offset].compactMap { $0 }.flatMap(\.tensors)
      + [inputFactors, outputFactors, lengths, rows?.entry, experts?.a, experts?.b].compactMap { $0 }
  }

  /// How many outputs and inputs it is for; nil where a part does not say.
  var outputs: Int? {
    onInput?.size?.rows ?? onOutput?.size?.rows ?? outputFactors?.shape.count ?? lengths?.shape.count
  }
  var inputs: Int? { onInput?.size?.columns ?? inputFactors?.shape.count ?? rows?.entry.shape.axes.last }

  /// Whether all parts have shapes that fit one another.
  var isConsistent: Bool {
    let maps = [onInput, onOutput, offset].compactMap { $0 }
    guard maps.allSatisfy({ $0.size != nil }), rows?.isConsistent ?? true else { return false }
    let heights =
      maps.compactMap { $0.size?.rows } + [outputFactors, lengths].compactMap { $0?.shape.count }
      + [onOutput].compactMap { $0?.size?.columns }
    let widths = [onInput?.size?.columns, inputFactors?.shape.count].compactMap { $0 }
    return Set(heights).count <= 1 && Set(widths).count <= 1 && offset?.size.map { $0.columns == 1 } ?? true
  }

  /// Whether it fits a weight of this shape.
  func fits(_ shape: Shape) -> Bool {
    guard shape.rank >= 2, !isTransposed || shape.rank == 2 else { return false }
    let (rows, columns) = (shape[0], shape.count / max(shape[0], 1))
    let (out, into) = isTransposed ? (columns, rows) : (rows, columns)
    guard self.rows.map({ $0.places.allSatisfy { $0 < rows } }) ?? true else { return false }
    return outputs.map { $0 == out } ?? true && inputs.map { $0 == into } ?? true
  }
}

extension AdaptedLayer {
  /// Whether all that it does is add a matrix to the weight, whatever that is.
  public var onlyAdds: Bool {
    keepsWeight && rows == nil && experts == nil && onOutput == nil && offset == nil && inputFactors == nil
      && outputFactors == nil
      && lengths == nil
  }

  /// The factors and the scale of W + s B A; nil where it does anything else.
  public var lowRank: (scale: Double, b: TensorEntry, a: TensorEntry)? {
    guard onlyAdds, case .scaled(let scale, .product(let maps)) = onInput, maps.count == 2,
      case .tensor(let b) = maps[0], case .tensor(let a) = maps[1], a.shape.rank == 2, b.shape.rank == 2
    else { return nil }
    return (scale, b, a)
  }

  /// The weight as the adapter makes it, in float64 and rounded once to float32.
  /// - Parameters:
  ///   - base: As the model has it.
  ///   - share: How much of the adapter is taken: 1 is all of it, 0 leaves the base.
  ///   - read: Reads one of the adapter's tensors.
  public func weight(_ base: Tensor, share: Double, _ read: (TensorEntry) throws -> Tensor) throws -> Tensor {
    if let rows { return try rows.replaced(in: base, share: share, read) }
    if let sum = try sum(base, share: share, read) { return sum.tensor }
    if onlyAdds, let onInput {
      // Without a copy of the weight. The scale is multiplied in on the way.
      let (scale, map) = onInput.split
      let change = try map.matrix(read)
      return Tensor(base, adding: isTransposed ? change.transposed : change, times: scale * share)
    }
    let old = matrix(of: base)
    var new = keepsWeight ? old : (1 - share) * old
    if let onInput { new = new + share * (try onInput.matrix(read)) }
    if let onOutput { new = new + share * (try onOutput.matrix(read) * old) }
    func shared(_ factors: [Double]) -> [Double] { factors.map { 1 + share * ($0 - 1) } }
    if let inputFactors { new = new.scalingColumns(by: shared(try read(inputFactors).doubles)) }
    if let outputFactors { new = new.scalingRows(by: shared(try read(outputFactors).doubles)) }
    if let lengths { new = new.scalingRows(toLengths: try read(lengths).doubles) }
    return Tensor((isTransposed ? new.transposed : new).entries.map { Float($0) }, shape: base.shape)
  }

  /// Whether all that it does is add something of low rank.
  var isSum: Bool { onlyAdds && onInput?.hasFactors ?? false }

  /// The same as a sum of which any part can be worked out by itself; nil where what is added has no lower rank, or more is done.
  func sum(
    _ base: Tensor, share: Double, _ read: (TensorEntry) throws -> Tensor
  ) throws -> LowRankSum? {
    guard isSum, let onInput else { return nil }
    let (scale, map) = onInput.split
    guard let factors = try map.factors(read) else { return nil }
    return isTransposed
      ? LowRankSum(base, adding: factors.a.transposed, factors.b.transposed, times: scale * share)
      : LowRankSum(base, adding: factors.b, factors.a, times: scale * share)
  }

  /// Whether a bias changes: nothing else of a layer needs to have one.
  public var changesBias: Bool { onOutput != nil || offset != nil || outputFactors != nil }

  /// The bias as the adapter makes it.
  public func bias(_ base: Tensor, share: Double, _ read: (TensorEntry) throws -> Tensor) throws -> Tensor {
    let old = DoubleMatrix(rows: base.count, columns: 1, base.doubles)
    var new = old
    if let onOutput { new = new + share * (try onOutput.matrix(read) * old) }
    if let offset { new = new + share * (try offset.matrix(read)) }
    if let outputFactors { new = new.scalingRows(by: try read(outputFactors).doubles.map { 1 + share * ($0 - 1) }) }
    return Tensor(new.entries.map { Float($0) }, shape: base.shape)
  }

  /// What it adds to the weight, (out, in), in float64.
  /// - Parameter base: As the model has it; only some kinds need it.
  public func change(of base: Tensor, _ read: (TensorEntry) throws -> Tensor) throws -> DoubleMatrix {
    if onlyAdds, let onInput { return try onInput.matrix(read) }
    return matrix(of: try weight(base, share: 1, read)) - matrix(of: base)
  }

  /// The entries of the layer's weight, or of one like it, as (out, in).
  public func matrix(of weight: Tensor) -> DoubleMatrix {
    let rows = weight.shape[0]
    let stored = DoubleMatrix(rows: rows, columns: weight.count / max(rows, 1), weight.doubles)
    return isTransposed ? stored.transposed : stored
  }
}

extension DoubleMatrix {
  /// DoRA (Liu et al. 2024): each row gets a length of its own; one of zeros stays.
  fileprivate consuming func scalingRows(toLengths lengths: [Double]) -> DoubleMatrix {
    let squares = rowProducts(with: self)
    return scalingRows(by: zip(lengths, squares).map { $1 > 0 ? $0 / $1.squareRoot() : 1 })
  }
}
