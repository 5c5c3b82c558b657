extension Magnitudes {
  /// The probability with which each entry is kept when it rises with the entry's rank in its row, as float32.
  ///
  /// With `rank` 0 for the smallest magnitude of a row of d entries and d − 1 for the largest, it is `lowest` +
  /// (`highest` − `lowest`) · rank / (d − 1); a row of one entry has the middle. Of equal magnitudes, the one of lower index
  /// ranks higher. Rows run along the second axis; a tensor of one axis or none is one row.
  public func keepProbabilities(lowest: Double, highest: Double) -> Tensor {
    let (shape, (length, step)) = (tensor.shape, rows)
    return Tensor(shape: shape) { result in
      guard let result = result.baseAddress, shape.count > 0 else { return }
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * length) { pairs in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Magnitudes.digits * Magnitudes.digitValues) { counts in
          guard let pairs = pairs.baseAddress, let counts = counts.baseAddress else { return }
          for outer in 0..<shape.count / (length * step) {
            for inner in 0..<step {
              let first = outer * length * step + inner
              gather(from: first, apart: step, length, into: pairs)
              let sorted = Magnitudes.sort(pairs, pairs + length, length, counts)
              for rank in 0..<length {
                let place = Int(sorted[rank] & 0xFFFF_FFFF)
                result[first &+ place &* step] = Magnitudes.probability(rank, of: length, lowest, highest)
              }
            }
          }
        }
      }
    }
  }

  /// How long a row is, and how far apart its entries lie: along the second of three axes or more, not side by side.
  var rows: (length: Int, step: Int) {
    let shape = tensor.shape
    return (
      shape.rank > 1 ? shape[1] : shape.count, shape.rank > 2 ? shape.axes.dropFirst(2).reduce(1, *) : 1
    )
  }

  /// The probability with which the entry of a rank is kept.
  @inline(__always)
  static func probability(_ rank: Int, of length: Int, _ lowest: Double, _ highest: Double) -> Float {
    let share = length > 1 ? Double(rank) / Double(length - 1) : 0.5
    return Float(lowest + (highest - lowest) * share)
  }

  /// Writes a row as (magnitude's bits, place), last place first, so that a stable sort puts lower places higher.
  private func gather(from first: Int, apart: Int, _ length: Int, into pairs: UnsafeMutablePointer<UInt64>) {
    if apart == 1 {
      inBlocks(first..<first + length) { block, entries in
        let start = block.lowerBound - first
        let last = length - 1 - start
        for index in 0..<block.count {
          let bits = entries[index].bitPattern & 0x7FFF_FFFF
          pairs[last &- index] = UInt64(bits) &<< 32 | UInt64(UInt32(truncatingIfNeeded: start &+ index))
        }
      }
      return
    }
    for place in 0..<length {
      pairs[length - 1 - place] = UInt64(bits(at: first + place * apart)) << 32 | UInt64(UInt32(place))
    }
  }

  // MARK: Sorting

  /// 31 bits are sorted in three digits.
  private static let digits = 3
  private static let digitBits: UInt64 = 11
  private static let digitValues = 1 << 11

  /// Sorts by the upper halves, lowest first, keeping the order of equal ones: a radix sort from the last digit on, which leaves
  /// out digits that all share.
  /// - Returns: The one of the two that holds the result.
  private static func sort(
    _ pairs: UnsafeMutablePointer<UInt64>, _ other: UnsafeMutablePointer<UInt64>, _ length: Int,
    _ counts: UnsafeMutablePointer<UInt32>
  ) -> UnsafeMutablePointer<UInt64> {
    let mask = UInt64(digitValues - 1)
    counts.update(repeating: 0, count: digits * digitValues)
    let (first, second, third) = (counts, counts + digitValues, counts + 2 * digitValues)
    for index in 0..<length {
      let bits = pairs[index] &>> 32
      first[Int(bits & mask)] &+= 1
      second[Int(bits &>> digitBits & mask)] &+= 1
      third[Int(bits &>> (2 * digitBits))] &+= 1
    }
    var (source, target) = (pairs, other)
    for digit in 0..<digits {
      let places = counts + digit * digitValues
      let shift = 32 + UInt64(digit) * digitBits
      guard places[Int(source[0] &>> shift & mask)] != UInt32(length) else { continue }
      var start: UInt32 = 0
      for value in 0..<digitValues {
        let count = places[value]
        places[value] = start
        start &+= count
      }
      for index in 0..<length {
        let pair = source[index]
        let value = Int(pair &>> shift & mask)
        target[Int(places[value])] = pair
        places[value] &+= 1
      }
      swap(&source, &target)
    }
    return source
  }
}
