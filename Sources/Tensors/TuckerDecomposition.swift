/// A tensor as a small core with an orthonormal factor for each axis, `T ≈ G ×₁ U₁ … ×ₙ Uₙ` (Tucker 1966).
///
/// By higher-order orthogonal iteration (De Lathauwer, De Moor and Vandewalle 2000) from the leading singular vectors of each
/// unfolding; of a matrix that start is already the nearest. All in float64.
public struct TuckerDecomposition: Sendable {
  /// In float32.
  public let core: Tensor
  /// Of each axis (length, rank), its columns orthonormal.
  public let factors: [DoubleMatrix]
  /// What is lost, relative to the tensor: Frobenius norms.
  public let relativeError: Double

  /// Nil where an entry is not finite, or a decomposition fails.
  /// - Parameters:
  ///   - ranks: Of each axis, at most its length.
  ///   - sweeps: The most rounds of improvement; they end where one gains less than 10⁻¹² of the norm.
  public init?(_ tensor: Tensor, ranks: [Int], sweeps: Int = 50) {
    let whole = Axes(tensor)
    precondition(zip(ranks, whole.lengths).allSatisfy { $0 <= $1 }, "an axis has no more directions than it is long")
    var factors: [DoubleMatrix] = []
    for axis in ranks.indices {
      guard let leading = whole.leading(ranks[axis], along: axis) else { return nil }
      factors.append(leading)
    }
    var gained = whole.multiplied(by: factors, except: nil).norm
    for _ in 0..<(ranks.count > 2 ? sweeps : 0) {
      for axis in ranks.indices {
        guard let leading = whole.multiplied(by: factors, except: axis).leading(ranks[axis], along: axis) else {
          return nil
        }
        factors[axis] = leading
      }
      let norm = whole.multiplied(by: factors, except: nil).norm
      defer { gained = norm }
      if norm - gained <= 1e-12 * norm { break }
    }
    let core = whole.multiplied(by: factors, except: nil)
    self.core = Tensor(core.entries.map { Float($0) }, shape: Shape(core.lengths))
    self.factors = factors
    // The factors are orthonormal, so what is kept and what is lost are at right angles.
    let (norm, kept) = (whole.norm, core.norm)
    relativeError = norm == 0 ? 0 : max(0, norm * norm - kept * kept).squareRoot() / norm
  }

  /// The bytes that it holds at its peak: the tensor, an unfolding, and what decomposing it takes.
  public static func byteCount(_ lengths: [Int]) -> Int {
    let count = lengths.reduce(1, *)
    let decomposing = lengths.map { SingularValues.byteCount(rows: $0, columns: count / max($0, 1)) }
    return 8 * count * 3 + (decomposing.max() ?? 0)
  }
}

/// A tensor of float64 whose axes are unfolded and multiplied.
private struct Axes {
  let lengths: [Int]
  let entries: [Double]

  init(_ tensor: Tensor) { (lengths, entries) = (tensor.shape.axes, tensor.doubles) }

  init(lengths: [Int], _ entries: [Double]) { (self.lengths, self.entries) = (lengths, entries) }

  var norm: Double { entries.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  func leading(_ rank: Int, along axis: Int) -> DoubleMatrix? {
    SingularValues(DoubleMatrix(entries, lengths, unfolding: axis))?.first(rank).left
  }

  /// Each axis shortened by the transpose of its factor.
  func multiplied(by factors: [DoubleMatrix], except skipped: Int?) -> Axes {
    var result = self
    for (axis, factor) in factors.enumerated() where axis != skipped {
      let product = DoubleMatrix.product(
        transposed: factor, DoubleMatrix(result.entries, result.lengths, unfolding: axis))
      var lengths = result.lengths
      lengths[axis] = factor.columns
      result = Axes(lengths: lengths, product.folded(to: lengths, axis))
    }
    return result
  }
}
