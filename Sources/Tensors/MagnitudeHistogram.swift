/// How many entries have each half of their magnitude's bits: two of these find an order statistic over many tensors, exactly.
///
/// First the histogram of the upper halves says in which bin it lies, then that of the lower halves of that bin's entries
/// where. Histograms of several tensors are added up.
public struct MagnitudeHistogram: Sendable {
  private var counts: [Int]
  /// The upper half that all counted entries have; nil where upper halves are counted.
  private let upper: Int?

  /// Of nothing yet.
  /// - Parameter upper: Counts the lower halves of the entries with this upper half; nil counts upper halves.
  public init(upper: Int? = nil) {
    self.upper = upper
    // The last place takes what is not counted, so that counting needs no branch.
    counts = [Int](repeating: 0, count: 0x1_0001)
  }

  public init(_ magnitudes: Magnitudes, upper: Int? = nil) {
    self.init(upper: upper)
    let wanted = UInt32(upper ?? 0)
    counts.withUnsafeMutableBufferPointer { counts in
      magnitudes.inBlocks(0..<magnitudes.count) { block, entries in
        if upper == nil {
          for index in 0..<block.count {
            counts[Int((entries[index].bitPattern & 0x7FFF_FFFF) &>> 16)] &+= 1
          }
        } else {
          for index in 0..<block.count {
            let bits = entries[index].bitPattern & 0x7FFF_FFFF
            counts[Int(bits &>> 16 == wanted ? bits & 0xFFFF : 0x1_0000)] &+= 1
          }
        }
      }
    }
  }

  public mutating func add(_ other: MagnitudeHistogram) {
    precondition(upper == other.upper, "histograms of the same half are added up")
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// The half of the rank-th largest entry that was counted, and its rank among those that share it.
  public func half(ofLargest rank: Int) -> (half: Int, rank: Int) {
    var rank = rank
    for half in stride(from: 0xFFFF, through: 0, by: -1) {
      if counts[half] >= rank { return (half, rank) }
      rank -= counts[half]
    }
    preconditionFailure("a rank is at most the number of entries that were counted")
  }

  /// The magnitude of the halves that two histograms found.
  public static func magnitude(upper: Int, lower: Int) -> Float {
    Float(bitPattern: UInt32(upper) << 16 | UInt32(lower))
  }
}
