import Tensors

extension Network {
  /// The most probable next token, again and again; the first of equals.
  ///
  /// Keys and values of what was read are kept where the architecture allows it, so that every token reads one place. Where rotary
  /// frequencies follow from the length of a text, every token reads the whole text anew.
  /// - Parameters:
  ///   - prompts: The tokens of each text, at least one.
  ///   - most: How many tokens come at most.
  ///   - isDone: Whether a text is complete with these tokens.
  ///   - progress: Is told how many texts are complete; may throw to stop.
  /// - Returns: The tokens that came, for each text in order.
  public func greedy(
    _ prompts: [[Int]], most: Int, padding: Int, isDone: ([Int]) -> Bool, progress: (Int) throws -> Void
  ) throws -> [[Int]] {
    try greedy(prompts, most: most, padding: padding, keepsKeys: true, isDone: isDone, progress: progress)
  }

  /// - Parameter keepsKeys: Whether keys and values are kept; the answers are the same where they are not.
  func greedy(
    _ prompts: [[Int]], most: Int, padding: Int, keepsKeys: Bool, isDone: ([Int]) -> Bool,
    progress: (Int) throws -> Void
  ) throws -> [[Int]] {
    var result = [[Int]](repeating: [], count: prompts.count)
    let order = prompts.indices.sorted { (prompts[$0].count, $0) < (prompts[$1].count, $1) }
    let together = 16
    for start in stride(from: 0, to: order.count, by: together) {
      var going = Array(order[start..<min(start + together, order.count)])
      let longest = (going.map { prompts[$0].count }.max() ?? 0) + most
      let isKept = keepsKeys && blueprint.architecture.keepsKeys(upTo: longest)
      let cache = isKept ? KeyValueCache(memory, capacity: longest) : nil
      for step in 0..<most where !going.isEmpty {
        try progress(start)
        let batch =
          isKept && step > 0
          ? TextBatch(
            going.map { [result[$0][step - 1]] }, padding: padding, first: going.map { prompts[$0].count + step - 1 })
          : TextBatch(going.map { prompts[$0] + result[$0] }, padding: padding)
        let pass = Pass(Tape(memory, recording: false), weights)
        pass.cache = cache
        let output = output(pass, .texts(batch))
        for (index, text) in going.enumerated() {
          result[text].append(output.largest(inRow: index * batch.length + batch.counts[index] - 1))
        }
        let rows = going.indices.filter { !isDone(result[going[$0]]) }
        cache?.keep(rows)
        going = rows.map { going[$0] }
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
