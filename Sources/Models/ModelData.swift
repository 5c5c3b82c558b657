import Diagnostics
import Formats
import Networks
import Operations
import Tensors
import Tokenizers

/// A dataset as a model reads it: examples of tokens or numbers, and what is to come of them.
public struct ModelData: Sendable {
  /// What is to be predicted.
  public enum Task: Sendable, Hashable {
    /// A class of each example.
    case classes
    /// A number for each example.
    case numbers
    /// Every next token, or those of the answer to be given.
    case nextTokens
    /// A class of each word.
    case tags
    /// Nothing: outputs alone are wanted.
    case none
  }

  enum Inputs: Sendable {
    case tokens([Tokens])
    /// (examples, …).
    case numbers(Tensor)
  }

  /// The tokens of one example, or one window of a longer text.
  struct Tokens: Sendable {
    let tokens: [Int]
    let types: [Int]
    /// Tokens at the beginning that are only read.
    var unscored = 1
    /// Bytes of the text that are read here for the first time.
    var bytes = 0
    /// The first token of each word, and the word's class; what was cut off is not there.
    var words: [(place: Int, label: Int)] = []
  }

  public let task: Task
  let inputs: Inputs
  /// The class of each example.
  public let labels: [Int]
  /// The number of each example.
  public let scores: [Double]
  let padding: Int

  public var count: Int {
    switch inputs {
    case .tokens(let texts): texts.count
    case .numbers(let tensor): tensor.shape[0]
    }
  }

  init(_ task: Task, _ inputs: Inputs, labels: [Int] = [], scores: [Double] = [], padding: Int = 0) {
    self.task = task
    self.inputs = inputs
    self.labels = labels
    self.scores = scores
    self.padding = padding
  }

  /// At most so many of the first examples, or windows.
  public func prefix(_ most: Int) -> ModelData {
    guard most < count else { return self }
    let rows = Array(0..<most)
    let inputs: Inputs =
      switch self.inputs {
      case .tokens(let texts): .tokens(Array(texts.prefix(most)))
      case .numbers(let tensor): .numbers(tensor.gatheringRows(rows))
      }
    return ModelData(
      task, inputs, labels: Array(labels.prefix(most)), scores: Array(scores.prefix(most)), padding: padding)
  }

  // MARK: Batches

  /// Tokens of an example, or 1 where it is numbers: what batches are made even by.
  public func length(_ row: Int) -> Int {
    if case .tokens(let texts) = inputs { texts[row].tokens.count } else { 1 }
  }

  /// Some examples, in this order.
  public func batch(_ rows: [Int]) -> Batch {
    switch inputs {
    case .numbers(let tensor): .numbers(tensor.gatheringRows(rows))
    case .tokens(let texts):
      .texts(
        TextBatch(
          rows.map { texts[$0].tokens }, types: rows.map { texts[$0].types }, padding: padding))
    }
  }

  /// What is to come of the examples of a batch.
  public func objective(_ rows: [Int], _ batch: Batch) -> Objective {
    switch task {
    case .classes: return Objective(.classes(rows.map { labels[$0] }))
    case .numbers: return Objective(.numbers(rows.map { Float(scores[$0]) }))
    case .nextTokens:
      guard case .texts(let texts) = batch, case .tokens(let all) = inputs else {
        preconditionFailure("next tokens are those of texts")
      }
      return Objective(.nextTokens(of: texts, unscored: rows.map { all[$0].unscored }))
    case .tags:
      guard case .texts(let texts) = batch, case .tokens(let all) = inputs else {
        preconditionFailure("tags are those of words")
      }
      var classes = [Int?](repeating: nil, count: texts.examples * texts.length)
      for (index, row) in rows.enumerated() {
        for word in all[row].words { classes[index * texts.length + word.place] = word.label }
      }
      return Objective(.classes(classes))
    case .none: preconditionFailure("nothing is to come of these examples")
    }
  }

  /// Bytes of the text that an example, or window, is the first to read.
  public func bytes(_ row: Int) -> Int { if case .tokens(let texts) = inputs { texts[row].bytes } else { 0 } }

  /// The place of the first token of each word of an example, and the word's class.
  public func words(_ row: Int) -> [(place: Int, label: Int)] {
    if case .tokens(let texts) = inputs { texts[row].words } else { [] }
  }

  /// Rows or numbers of some examples that count in a loss.
  public func scored(_ rows: [Int]) -> Int {
    guard task == .nextTokens || task == .tags, case .tokens(let all) = inputs else { return rows.count }
    if task == .tags { return rows.reduce(0) { $0 + all[$1].words.count } }
    return rows.reduce(0) { $0 + max(0, all[$1].tokens.count - max(all[$1].unscored, 1)) }
  }

  /// Some examples in parts of like lengths that are not too much for one pass.
  public func parts(_ rows: [Int]) -> [[Int]] { cut(rows, Int.max, tokens: Self.tokensOfPass) }

  /// All examples in batches of like lengths, longest first, so that what is too much for memory shows at once.
  /// - Parameter size: The most examples of a batch.
  public func batches(_ size: Int) -> [[Int]] { cut(Array(0..<count), size, tokens: Self.tokensOfPass) }

  /// The most tokens of a pass over several texts, padding included.
  static let tokensOfPass = 1 << 13

  private func cut(_ rows: [Int], _ size: Int, tokens: Int) -> [[Int]] {
    var batches: [[Int]] = []
    for row in rows.sorted(by: { (length($1), $0) < (length($0), $1) }) {
      if let last = batches.last, last.count < size, (last.count + 1) * length(last[0]) <= tokens {
        batches[batches.count - 1].append(row)
      } else {
        batches.append([row])
      }
    }
    return batches
  }
}
