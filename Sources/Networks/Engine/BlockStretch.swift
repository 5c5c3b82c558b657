/// Where something stands in a network of blocks one after the other.
public enum BlockPlace: Sendable, Hashable {
  /// In a block, by its number.
  case inside(Int)
  /// Outside of blocks, behind so many of them.
  case between(Int)
}

/// Some blocks of a network, one after the other: all others are passed over.
///
/// What is before the first and behind the last block runs all the same; it is little, and what comes out behind blocks that were
/// passed over means nothing.
final class BlockStretch {
  private let blocks: Range<Int>
  /// What goes into the first of them; nil where that is the network's first.
  private let start: Variable?
  /// What came out of the last; nil until then.
  private(set) var end: Variable?

  init(_ blocks: Range<Int>, from start: Variable?) {
    precondition(start != nil || blocks.lowerBound == 0, "blocks from \(blocks.lowerBound) on have an input")
    self.blocks = blocks
    self.start = start
  }

  /// What stands for a block that is passed over; nil for one that is run.
  func value(inPlaceOf number: Int, _ x: Variable) -> Variable? {
    if blocks.contains(number) { return nil }
    // Of no blocks at all comes out what would go into the first.
    if blocks.isEmpty, number == blocks.upperBound { end = start ?? x }
    return number == blocks.lowerBound - 1 ? start : x
  }

  func note(_ y: Variable, of number: Int) { if number == blocks.upperBound - 1 { end = y } }
}
