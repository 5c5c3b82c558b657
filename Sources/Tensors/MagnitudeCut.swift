/// Where a ranking of entries by magnitude, largest first, is cut: the entries above it are so many, exactly.
///
/// Of entries of one magnitude, those of lower index rank first.
public struct MagnitudeCut: Sendable, Hashable {
  /// The bits of the smallest magnitude above the cut, as a float32 without its sign: these order as the numbers do.
  let bits: UInt32
  /// Entries of just that magnitude are above the cut where their index is less.
  let tieEnd: Int

  init(bits: UInt32, tieEnd: Int) {
    self.bits = bits
    self.tieEnd = tieEnd
  }

  /// Above which lies every entry whose magnitude is at least this.
  public init(atLeast magnitude: Float) { self.init(bits: magnitude.magnitude.bitPattern, tieEnd: .max) }

  /// Above which everything lies.
  public static let everything = MagnitudeCut(bits: 0, tieEnd: .max)
  /// Above which nothing lies.
  public static let nothing = MagnitudeCut(bits: 0x7FFF_FFFE, tieEnd: 0)

  /// The smallest magnitude above the cut.
  public var magnitude: Float { Float(bitPattern: bits) }

  /// The least bits that are above the cut, at this index and the next ones up to `tieEnd`.
  func floor(at index: Int) -> UInt32 { index < tieEnd ? bits : bits + 1 }
}
