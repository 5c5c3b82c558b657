import Adapters
import Formats
import Operations
import Tensors

/// The nearest sum of Kronecker products to a matrix, Σₖ Uₖ ⊗ Vₖ (Van Loan and Pitsianis 1993), and how many terms it takes.
///
/// The matrix (mp, nq) is rearranged so that each of its m·n blocks is a row; its singular values and vectors are the terms,
/// √σ to each factor, and what is lost is exactly Σ σ² over those left out.
struct KroneckerFactors {
  /// What decides how many terms are kept.
  struct Selection {
    /// The most terms.
    let rank: Int
    /// The share of Σ σ² that is enough.
    let energy: Double
    /// Whether terms end where the singular values bend.
    let elbow: Bool

    /// At least one term.
    func count(_ values: [Double]) -> Int {
      let squares = values.map { $0 * $0 }
      let total = squares.reduce(0, +)
      var (sum, enough) = (0.0, values.count)
      for (index, square) in squares.enumerated() {
        sum += square
        if sum >= energy * total {
          enough = index + 1
          break
        }
      }
      return max(1, min(rank, enough, elbow ? Self.elbow(values) : .max, values.count))
    }

    /// The number of the value that lies farthest below the line from the first value to the last: the knee.
    static func elbow(_ values: [Double]) -> Int {
      guard values.count > 2, let first = values.first, let last = values.last, first > last else {
        return values.count
      }
      let gaps = values.enumerated().map { index, value in
        1 - Double(index) / Double(values.count - 1) - (value - last) / (first - last)
      }
      return (gaps.indices.max { (gaps[$0], -$0) < (gaps[$1], -$1) } ?? 0) + 1
    }
  }

  /// (K, m, n) and (K, p, q).
  let left: Tensor
  let right: Tensor
  /// What is lost, relative to the matrix: Frobenius norms.
  let relativeError: Double

  /// Nil where the decomposition fails.
  init?(_ matrix: DoubleMatrix, _ split: Split, _ selection: Selection) {
    let rearranged = matrix.rearranged(blocks: split.inner.rows, by: split.inner.columns)
    guard let found = SingularValues(rearranged) else { return nil }
    let count = selection.count(found.values)
    let roots = found.values.prefix(count).map { $0.squareRoot() }
    let (u, v) = (found.first(count).left.transposed, found.first(count).right)
    left = Tensor(u.scalingRows(by: roots)).reshaped([count, split.outer.rows, split.outer.columns])
    right = Tensor(v.scalingRows(by: roots)).reshaped([count, split.inner.rows, split.inner.columns])
    let squares = found.values.map { $0 * $0 }
    let total = squares.reduce(0, +)
    relativeError = total == 0 ? 0 : (squares.dropFirst(count).reduce(0, +) / total).squareRoot()
  }

  /// How a weight is split into blocks.
  struct Split {
    let outer: (rows: Int, columns: Int)
    let inner: (rows: Int, columns: Int)

    /// As PEFT's LoKr splits it: each side by a factor, where that divides it, else as nearly in half as it goes.
    init(_ target: AdapterTarget, factor: Int?) {
      let (rows, columns) = (Self.split(target.outputs, factor), Self.split(target.inputs, factor))
      outer = (rows.0, columns.0)
      inner = (rows.1, columns.1)
    }

    /// The lesser one first.
    static func split(_ length: Int, _ factor: Int?) -> (Int, Int) {
      if let factor, length % factor == 0 { return (factor, length / factor) }
      let most = factor ?? length
      var best = (1, length)
      while best.0 < best.1 {
        guard let next = (best.0 + 1...length).first(where: { length % $0 == 0 }), next <= most,
          next + length / next <= best.0 + best.1
        else { break }
        best = (next, length / next)
      }
      return (min(best.0, best.1), max(best.0, best.1))
    }

    /// The singular values' side.
    var side: (rows: Int, columns: Int) { (outer.rows * outer.columns, inner.rows * inner.columns) }
  }

  /// PEFT's LoKr where there is one term, the sum of ours where there are more.
  func parts(_ kind: any AdapterKind.Type) -> [(part: String, tensor: Tensor)] {
    guard kind == Kronecker.self else { return [("soka_u", left), ("soka_v", right)] }
    return [
      ("lokr_w1", left.reshaped(Shape(Array(left.shape.axes.dropFirst())))),
      ("lokr_w2", right.reshaped(Shape(Array(right.shape.axes.dropFirst())))),
    ]
  }

  static func fields(
    _ kind: any AdapterKind.Type, factor: Int?, _ targets: [AdapterTarget]
  ) -> [JSON.Member] {
    guard kind == Kronecker.self else {
      return [.init("scale", 1), .init("fan_in_fan_out", .bool(targets.first?.isTransposed ?? false))]
    }
    // So large a rank means to PEFT that the second factor is whole; the scale, α/r, is 1.
    let rank =
      targets.map { target in
        let inner = Split(target, factor: factor).inner
        return max(inner.rows, inner.columns)
      }.max() ?? 1
    return [
      .init("r", .integer(rank)), .init("alpha", .integer(rank)), .init("decompose_both", false),
      .init("decompose_factor", .integer(factor ?? -1)), .init("init_weights", true),
      .init("rank_pattern", .object([])),
      .init("alpha_pattern", .object([])), .init("rank_dropout", 0), .init("module_dropout", 0),
    ]
  }
}
