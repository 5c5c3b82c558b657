import Networks
import Operations
import Tensors

extension Network {
  /// Runs over all examples of some data, in batches of like lengths.
  ///
  /// - Parameters:
  ///   - size: The most examples of a batch.
  ///   - observer: Is shown the input of every linear layer.
  ///   - body: Is given the numbers of a batch's examples, the batch and the output, in no particular order of the examples.
  public func forEachBatch(
    of data: ModelData, size: Int = 64, _ context: Context, observer: ((String, Variable, Batch) -> Void)? = nil,
    _ body: ([Int], Batch, Variable) throws -> Void
  ) throws {
    var done = 0
    for rows in data.batches(size) {
      try context.checkCancelled()
      let batch = data.batch(rows)
      let watch = observer.map { observer in { path, input in observer(path, input, batch) } }
      try body(rows, batch, output(batch, observer: watch))
      done += rows.count
      context.progress(done, of: data.count, "examples")
    }
  }
}

/// What makes the embedding of a text of its last hidden states, as the `Pooling` of sentence-transformers has it.
public enum EmbeddingPooling: Sendable {
  /// The mean of all places.
  case mean
  /// One place, where BERT has its `[CLS]`, or decoders have read all.
  case first, last
  /// The largest of all places, entry by entry.
  case max
}

extension Network {
  /// An embedding of each text, (texts, width), as long as 1.
  public func embeddings(of data: ModelData, _ pooling: EmbeddingPooling, _ context: Context) throws -> [[Double]] {
    var result = [[Double]](repeating: [], count: data.count)
    try forEachBatch(of: data, context) { rows, batch, output in
      guard case .texts(let texts) = batch else { preconditionFailure("embeddings are of texts") }
      let width = output.shape[2]
      let entries = output.entries
      for (index, row) in rows.enumerated() {
        let count = texts.counts[index]
        let places =
          switch pooling {
          case .mean, .max: 0..<count
          case .first: 0..<1
          case .last: count - 1..<count
          }
        // Lengths do not matter: what comes of it is made as long as 1.
        var sum = [Double](repeating: pooling == .max ? -.infinity : 0, count: width)
        for place in places {
          let start = (index * texts.length + place) * width
          for column in 0..<width {
            let entry = Double(entries[start + column])
            sum[column] = pooling == .max ? Swift.max(sum[column], entry) : sum[column] + entry
          }
        }
        let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        result[row] = norm > 0 ? sum.map { $0 / norm } : sum
      }
    }
    return result
  }
}

extension Network {
  /// How a classifier does on each of some examples.
  public func scores(of data: ModelData, _ context: Context) throws -> Scores {
    guard case .classification(let classes) = blueprint.head else {
      preconditionFailure("classes are told apart by a head for them")
    }
    var logits = [Float](repeating: 0, count: data.count * classes)
    try forEachBatch(of: data, size: 256, context) { rows, _, output in
      let entries = output.entries
      for (index, row) in rows.enumerated() {
        logits.replaceSubrange(
          row * classes..<(row + 1) * classes, with: entries[index * classes..<(index + 1) * classes])
      }
    }
    return Scores(logits: Tensor(logits, shape: [data.count, classes]), labels: data.labels)
  }
}
