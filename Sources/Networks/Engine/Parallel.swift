import Foundation

/// Work shared out over the processors in pieces that follow from its size alone, never from how many processors there are.
enum Parallel {
  /// The most pieces that anything is cut into.
  static let most = 8

  /// How many pieces there are of `count` things that cost so many operations on numbers each.
  static func pieces(_ count: Int, cost: Int) -> Int { min(max(count * cost >> 15, 1), most, max(count, 1)) }

  /// Calls `body` with ranges that together are `0..<count`.
  static func ranges(_ count: Int, cost: Int, _ body: @Sendable (Range<Int>) -> Void) {
    each(pieces(count, cost: cost), of: count) { body($1) }
  }

  /// Calls `body` with the number of each piece and its range.
  static func each(_ pieces: Int, of count: Int, _ body: @Sendable (Int, Range<Int>) -> Void) {
    guard pieces > 1 else { return body(0, 0..<count) }
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      body(piece, count * piece / pieces..<count * (piece + 1) / pieces)
    }
  }
}
