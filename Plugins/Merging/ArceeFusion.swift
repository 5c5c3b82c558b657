import Foundation
import Operations
import Tensors

/// A base with the changes of another model that matter most, as mergekit defines it.
///
/// 1. `p = softmax(x) + 10⁻⁸` and `q = softmax(b) + 10⁻⁸` along each row, `D = Σ p ln(p/q)`, and each entry's importance is
///    `I = |x − b| · D` of its row.
/// 2. With `Q(f)` the entry at place ⌊f (n−1)⌋ of the sorted importances, the threshold is `Q(½) + 1.5 (Q(¾) − Q(¼))`.
/// 3. `θ = x` where I is at least the threshold, else b.
struct ArceeFusion: TensorwiseOperation {
  static let about = About(
    "arcee_fusion",
    "Take over from another model the entries whose changes matter most, and keep the base's everywhere else.",
    discussion: """
      An entry's importance is |x − b| times the Kullback-Leibler divergence of its rows' softmax, each plus 10⁻⁸; rows \
      run along the last axis. θ = x where the importance is at least Q(½) + 1.5 (Q(¾) − Q(¼)), the tensor's median and \
      quartiles, else b. This is mergekit's `arcee_fusion`; quartiles are exact here, where mergekit takes those of a \
      random sample from tensors of more than a million entries.
      """,
    cost: "O(entries), two exponentials and a logarithm for each; one tensor in memory at a time",
    examples: [Example("The changes that stand out", "arcee_fusion(base:, model: a)")])

  @Input("The model whose entries are kept where nothing stands out.")
  var base: Checkpoint
  @Input("The model to take entries from.")
  var model: Checkpoint
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let (base, model) = (try read(base), try read(model))
    let importance = Tensor.importance(model, base: base)
    let quantiles = [0.25, 0.5, 0.75].map { Double(importance.magnitudeQuantile($0)) }
    let threshold = quantiles[1] + 1.5 * (quantiles[2] - quantiles[0])
    return Tensor.choosing(model, where: importance, isAtLeast: threshold, else: base)
  }
}

extension ArceeFusion: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (base, model) = (try read(base), try read(model))
    let length = base.shape.axes.last ?? 1
    let (b, x) = (base.doubles, model.doubles)
    func softmax(_ row: ArraySlice<Double>) -> [Double] {
      let highest = row.max() ?? 0
      let powers = row.map { exp($0 - highest) }
      let total = powers.reduce(0, +)
      return powers.map { $0 / total + 1e-8 }
    }
    var importance: [Double] = []
    for start in stride(from: 0, to: b.count, by: max(length, 1)) {
      let (p, q) = (softmax(x[start..<start + length]), softmax(b[start..<start + length]))
      let divergence = max(zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }, 0)
      importance += (start..<start + length).map { Double(Float(abs(x[$0] - b[$0]) * divergence)) }
    }
    let sorted = importance.sorted()
    func quantile(_ share: Double) -> Double { sorted.isEmpty ? 0 : sorted[Int(share * Double(sorted.count - 1))] }
    let threshold = quantile(0.5) + 1.5 * (quantile(0.75) - quantile(0.25))
    return b.indices.map { importance[$0] >= threshold ? x[$0] : b[$0] }
  }
}
