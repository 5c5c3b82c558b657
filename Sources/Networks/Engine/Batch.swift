import Tensors

/// What a network works on at once.
public enum Batch: Sendable {
  case texts(TextBatch)
  /// (examples, channels, height, width), or (examples, features).
  case numbers(Tensor)

  public var examples: Int {
    switch self {
    case .texts(let batch): batch.examples
    case .numbers(let tensor): tensor.shape[0]
    }
  }
}

/// Texts as tokens, each as long as the longest, with padding behind.
public struct TextBatch: Sendable {
  public let examples: Int
  /// Places that each text has.
  public let length: Int
  /// Row by row.
  public let tokens: [Int]
  /// Which of two texts a token belongs to, 0 or 1; all 0 where it is empty.
  public let types: [Int]
  /// The tokens of each text that are no padding.
  public let counts: [Int]
  /// How many places of each text were read before, by a decoder that goes on with it; empty where none were.
  let first: [Int]

  /// - Parameters:
  ///   - texts: The tokens of each; at least one each.
  ///   - types: Which of two texts each token belongs to, where that matters.
  ///   - padding: The token that stands where there is none.
  public init(_ texts: [[Int]], types: [[Int]] = [], padding: Int) {
    self.init(texts, types: types, padding: padding, first: [])
  }

  /// Of texts of which something was read before.
  init(_ texts: [[Int]], types: [[Int]] = [], padding: Int, first: [Int]) {
    self.first = first
    precondition(!texts.isEmpty && texts.allSatisfy { !$0.isEmpty }, "a batch has texts, and a text has tokens")
    let length = texts.map(\.count).max() ?? 1
    examples = texts.count
    self.length = length
    tokens = texts.flatMap { $0 + Array(repeating: padding, count: length - $0.count) }
    self.types = types.flatMap { $0 + Array(repeating: 0, count: length - $0.count) }
    counts = texts.map(\.count)
  }

  /// (examples · length): what is added to attention scores with each key. Empty where there is no padding.
  var keyBias: [Float] {
    guard counts.contains(where: { $0 < length }) else { return [] }
    return counts.flatMap { count in (0..<length).map { $0 < count ? 0 : -Float.infinity } }
  }

  /// The places of each example, from `start` on.
  func positions(from start: Int = 0) -> [Int] {
    (0..<examples).flatMap { text in
      (0..<length).map { start + $0 + (first.isEmpty ? 0 : first[text]) }
    }
  }

  /// Weights that choose one place of each example.
  func pooling(_ place: (_ count: Int) -> Int) -> Pooling {
    Pooling(weights: counts.flatMap { count in (0..<length).map { $0 == place(count) ? 1 : 0 } })
  }

  /// Weights that choose the last token of each text that is no padding, as decoders' classifiers do; a text may have tokens of
  /// padding of its own. Where the model has no token for padding, the last one.
  func last(before padding: Int?) -> Pooling {
    Pooling(
      weights: counts.enumerated().flatMap { text, count in
        let row = tokens[text * length..<text * length + count]
        let place = padding.map { padding in (row.lastIndex { $0 != padding } ?? row.startIndex) - row.startIndex }
        return (0..<length).map { $0 == place ?? count - 1 ? Float(1) : 0 }
      })
  }

  /// Weights that take the mean of all tokens.
  var mean: Pooling {
    Pooling(weights: counts.flatMap { count in (0..<length).map { $0 < count ? 1 / Float(count) : 0 } })
  }
}
