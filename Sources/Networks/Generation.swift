import Tensors

extension Network {
  /// The most probable next token, again and again; the first of equals.
  ///
  /// Every token reads the whole text anew.
  /// - Parameters:
  ///   - prompts: The tokens of each text, at least one.
  ///   - most: How many tokens come at most.
  ///   - isDone: Whether a text is complete with these tokens.
  ///   - progress: Is told how many texts are complete; may throw to stop.
  /// - Returns: The tokens that came, for each text in order.
  public func greedy(
    _ prompts: [[Int]], most: Int, padding: Int, isDone: ([Int]) -> Bool, progress: (Int) throws -> Void
  ) throws -> [[Int]] {
    var result = [[Int]](repeating: [], count: prompts.count)
    let order = prompts.indices.sorted { (prompts[$0].count, $0) < (prompts[$1].count, $1) }
    let together = 16
    for start in stride(from: 0, to: order.count, by: together) {
      var going = Array(order[start..<min(start + together, order.count)])
      for _ in 0..<most where !going.isEmpty {
        try progress(start)
        let batch = TextBatch(going.map { prompts[$0] + result[$0] }, padding: padding)
        let output = output(.texts(batch))
        let width = output.shape.axes.last ?? 1
        for (index, text) in going.enumerated() {
          let logits = output.floats.base + (index * batch.length + batch.counts[index] - 1) * width
          result[text].append((1..<width).reduce(0) { logits[$1] > logits[$0] ? $1 : $0 })
        }
        going.removeAll { isDone(result[$0]) }
      }
    }
    try progress(order.count)
    return result
  }
}

extension Variable {
  /// The most probable class of a row of logits, the first of equals.
  public func largest(inRow row: Int) -> Int {
    let width = shape.axes.last ?? 1
    let logits = floats.base + row * width
    return (1..<max(width, 1)).reduce(0) { logits[$1] > logits[$0] ? $1 : $0 }
  }
}
