import CKernels
import Foundation
import Tensors

/// Scaled dot-product attention with several heads (Vaswani et al. 2017), grouped queries (Ainslie et al. 2023) and a sliding
/// window.
///
/// softmax(scale · Q Kᵀ + mask) V for every head, and zeros for a query that sees no key. Inputs: Q (examples, queries, heads · d),
/// K and V (examples, keys, groups · d).
/// No weights are kept: the backward pass works them out again, a block of queries at a time.
struct Attention: Primitive {
  let heads: Int
  /// Heads of keys and values; each serves `heads / groups` heads of queries.
  let groups: Int
  var isCausal = false
  /// How many keys up to its own a query sees; all where it is nil.
  var window: Int? = nil
  /// What scores are multiplied by: 1/√d unless the model says otherwise.
  let scale: Float
  /// Scores are kept between −cap and cap by tanh (Gemma 2).
  var cap: Float = 0
  /// (examples, keys): 0 where a key is seen, −∞ where it is padding; empty where all are seen.
  var bias: [Float] = []
  /// How many keys stand before the one of each example's first query; empty where none do.
  var first: [Int] = []

  func shape(of inputs: [Shape]) -> Shape {
    precondition(heads % groups == 0, "\(heads) heads share \(groups) heads of keys")
    precondition(
      inputs[1] == inputs[2] && inputs[0][2] / heads * groups == inputs[1][2] && inputs[0][0] == inputs[1][0],
      "queries \(inputs[0]), keys \(inputs[1]) and values \(inputs[2]) belong together")
    return inputs[0]
  }

  func narrowed(toExample index: Int, of count: Int) -> Attention {
    var result = self
    let keys = bias.count / count
    result.bias = Array(bias[index * keys..<(index + 1) * keys])
    if !first.isEmpty { result.first = [first[index]] }
    return result
  }

  // MARK: Blocks

  /// Queries that are worked on at once.
  private static let block = 64

  /// What one call works on: the sizes that all heads have.
  private struct Sizes {
    let examples, queries, keys, width, pieces: Int

    init(_ attention: Attention, _ query: Shape, _ key: Shape) {
      (examples, queries, keys, width) = (query[0], query[1], key[1], query[2] / attention.heads)
      pieces = Parallel.pieces(examples * attention.groups, cost: queries * keys * width * 4)
    }

    /// Room for a block of scores.
    var room: Int { Attention.block * keys }
  }

  func scratch(for inputs: [Shape]) -> Int {
    let sizes = Sizes(self, inputs[0], inputs[1])
    return sizes.pieces * 3 * sizes.room
  }

  private func before(_ example: Int) -> Int { first.isEmpty ? 0 : first[example] }

  /// The keys that a block of queries may see.
  private func seen(_ queries: Range<Int>, of keys: Int, example: Int) -> Range<Int> {
    let (start, end) = (queries.lowerBound + before(example), queries.upperBound + before(example))
    let low = window.map { max(0, start + 1 - $0) } ?? 0
    let high = isCausal ? min(keys, end) : min(keys, window.map { end - 1 + $0 } ?? keys)
    return min(low, high)..<high
  }

  /// The weights of a block of queries in `weights`, rows `seen.count` apart; raw scores in `raw` where that is given.
  private func weigh(
    _ queries: Range<Int>, _ seen: Range<Int>, example: Int, _ sizes: Sizes, q: MatrixView, k: MatrixView, raw: Floats?,
    into weights: Floats
  ) {
    let product = MatrixProduct(rows: queries.count, columns: seen.count, inner: sizes.width)
    product(q, k.transposed, into: weights.matrix(width: seen.count))
    let count = queries.count * seen.count
    raw?[0..<count].copy(from: weights[0..<count])
    bias.withUnsafeBufferPointer { bias in
      kernel_attention_weights(
        weights.base, queries.count, seen.count, seen.count, scale, cap,
        bias.isEmpty ? nil : bias.baseAddress.map { $0 + example * sizes.keys + seen.lowerBound },
        queries.lowerBound + before(example) - seen.lowerBound,
        window ?? 0, isCausal ? 1 : 0)
    }
  }

  /// Calls `body` with each block of queries.
  private func blocks(_ queries: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: 0, to: queries, by: Self.block) { body(start..<min(start + Self.block, queries)) }
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let sizes = Sizes(self, inputs[0].shape, inputs[1].shape)
    Parallel.each(sizes.pieces, of: sizes.examples * groups) { piece, units in
      let weights = scratch[piece * 3 * sizes.room..<(piece * 3 + 1) * sizes.room]
      for unit in units {
        let (example, group) = (unit / groups, unit % groups)
        for head in group * (heads / groups)..<(group + 1) * (heads / groups) {
          blocks(sizes.queries) { queries in
            let seen = seen(queries, of: sizes.keys, example: example)
            func query(_ operand: Operand) -> MatrixView {
              rows(operand, example, queries.lowerBound, head, sizes.width)
            }
            func key(_ operand: Operand) -> MatrixView { rows(operand, example, seen.lowerBound, group, sizes.width) }
            weigh(
              queries, seen, example: example, sizes, q: query(inputs[0]), k: key(inputs[1]), raw: nil, into: weights)
            MatrixProduct(rows: queries.count, columns: sizes.width, inner: seen.count)(
              weights.matrix(width: seen.count), key(inputs[2]), into: query(output))
          }
        }
      }
    }
  }

  /// The rows of one head of one example, from a row on.
  private func rows(_ operand: Operand, _ example: Int, _ row: Int, _ head: Int, _ width: Int) -> MatrixView {
    let stride = operand.width
    return MatrixView(operand.floats.base + (example * operand.shape[1] + row) * stride + head * width, stride: stride)
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (q, k, v, gradient) = (step.inputs[0], step.inputs[1], step.inputs[2], step.gradient)
    let sizes = Sizes(self, q.shape, k.shape)
    for target in targets.dropFirst() { target?.floats.zero() }
    Parallel.each(sizes.pieces, of: sizes.examples * groups) { piece, units in
      let start = piece * 3 * sizes.room
      let weights = step.scratch[start..<start + sizes.room]
      let change = step.scratch[start + sizes.room..<start + 2 * sizes.room]
      let raw = cap > 0 ? step.scratch[start + 2 * sizes.room..<start + 3 * sizes.room] : nil
      for unit in units {
        let (example, group) = (unit / groups, unit % groups)
        for head in group * (heads / groups)..<(group + 1) * (heads / groups) {
          blocks(sizes.queries) { queries in
            let seen = seen(queries, of: sizes.keys, example: example)
            func query(_ operand: Operand) -> MatrixView {
              rows(operand, example, queries.lowerBound, head, sizes.width)
            }
            func key(_ operand: Operand) -> MatrixView { rows(operand, example, seen.lowerBound, group, sizes.width) }
            weigh(queries, seen, example: example, sizes, q: query(q), k: key(k), raw: raw, into: weights)
            let (p, dp) = (weights.matrix(width: seen.count), change.matrix(width: seen.count))
            let toKeys = MatrixProduct(rows: seen.count, columns: sizes.width, inner: queries.count, keep: 1)
            if let target = targets[2] { toKeys(p.transposed, query(gradient), into: key(target.operand)) }
            guard targets[0] != nil || targets[1] != nil else { return }
            MatrixProduct(rows: queries.count, columns: seen.count, inner: sizes.width)(
              query(gradient), key(v).transposed, into: dp)
            kernel_attention_gradient(
              weights.base, raw?.base, change.base, queries.count, seen.count, seen.count, scale, cap)
            if let target = targets[0] {
              MatrixProduct(rows: queries.count, columns: sizes.width, inner: seen.count)(
                dp, key(k), into: query(target.operand))
            }
            if let target = targets[1] { toKeys(dp.transposed, query(q), into: key(target.operand)) }
          }
        }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let (q, k, v) = (inputs[0], inputs[1], inputs[2])
    let (queries, keys, width) = (q.shape[1], k.shape[1], q.shape[2] / heads)
    var result = PlainTensor(zeros: q.shape)
    for example in 0..<q.shape[0] {
      for head in 0..<heads {
        let group = head / (heads / groups)
        func place(_ row: Int, _ rows: Int, _ head: Int, of heads: Int) -> Int {
          ((example * rows + row) * heads + head) * width
        }
        for query in 0..<queries {
          let from = place(query, queries, head, of: heads)
          let scores = (0..<keys).map { key -> Double in
            let own = query + before(example)
            let isSeen = (!isCausal || key <= own) && window.map { abs(own - key) < $0 } ?? true
            guard isSeen, bias.isEmpty || bias[example * keys + key] == 0 else { return -.infinity }
            let to = place(key, keys, group, of: groups)
            let score = Double(scale) * (0..<width).reduce(0) { $0 + q.entries[from + $1] * k.entries[to + $1] }
            return cap > 0 ? Double(cap) * tanh(score / Double(cap)) : score
          }
          let most = scores.max() ?? 0
          guard most > -.infinity else { continue }
          let weights = scores.map { exp($0 - most) }
          let total = weights.reduce(0, +)
          for key in 0..<keys {
            let at = place(key, keys, group, of: groups)
            for index in 0..<width { result.entries[from + index] += weights[key] / total * v.entries[at + index] }
          }
        }
      }
    }
    return result
  }
}
