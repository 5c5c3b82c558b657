import CKernels

/// Which entries of a tensor are kept: a bit for each, set where it is.
public struct EntryMask: Sendable {
  public let count: Int
  /// Words of 32 bits, the lowest first.
  private let buffer: Buffer

  private static let wordBits = 32

  /// - Parameter fill: Writes all words; bits beyond the count do not matter.
  init(count: Int, fill: (UnsafeMutablePointer<UInt32>) -> Void) {
    self.count = count
    let words = (count + Self.wordBits - 1) / Self.wordBits
    buffer = Buffer(count: words * 4) { bytes in
      if let bytes = bytes.baseAddress { fill(bytes.bindMemory(to: UInt32.self, capacity: words)) }
    }
  }

  /// The words, while the mask lives.
  var words: UnsafePointer<UInt32> {
    guard let base = buffer.bytes.baseAddress else { preconditionFailure("a mask has words") }
    return base.assumingMemoryBound(to: UInt32.self)
  }

  /// Whether an entry is kept.
  public subscript(index: Int) -> Bool {
    buffer.withBytes { bytes in
      let word = bytes.load(fromByteOffset: index / Self.wordBits * 4, as: UInt32.self)
      return word >> UInt32(index % Self.wordBits) & 1 == 1
    }
  }

  /// Keeps each entry by itself with one probability: where the generator's choice at its position is less than 2⁴⁰ times that.
  public init(count: Int, keeping probability: Double, _ generator: Generator) {
    let limit = Generator.choiceLimit(probability)
    self.init(count: count) { mask in
      guard limit < 1 << 40 else {
        return mask.update(repeating: ~0, count: (count + Self.wordBits - 1) / Self.wordBits)
      }
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Generator.choiceRun / Self.wordBits) { open in
        guard let open = open.baseAddress else { return }
        EntryMask.inRuns(count, generator) { start, bytes, length in
          let (target, words) = (mask + start / Self.wordBits, (length + Self.wordBits - 1) / Self.wordBits)
          kernel_compare_bytes(target, open, bytes, words, UInt8(limit >> 32))
          let rest = UInt32(truncatingIfNeeded: limit)
          guard rest > 0 else { return }
          for word in 0..<words {
            while open[word] != 0 {
              let bit = open[word].trailingZeroBitCount
              open[word] &= open[word] - 1
              let isKept = generator.rest(ofChoiceAt: start + word * Self.wordBits + bit) < rest
              target[word] |= isKept ? 1 << UInt32(bit) : 0
            }
          }
        }
      }
    }
  }

  /// Keeps each entry by itself with its own probability: where the generator's choice is less than 2⁴⁰ times that.
  public init(keeping probabilities: Tensor, _ generator: Generator) {
    self.init(count: probabilities.count) { mask in
      probabilities.withFloats { probabilities in
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Generator.choiceRun) { kept in
          EntryMask.inRuns(probabilities.count, generator) { start, bytes, length in
            for index in 0..<length {
              let limit = Int32(probabilities[start &+ index] * 0x1p8)
              kept[index] = Int32(bytes[index]) < limit ? 0xFF : 0
            }
            for index in 0..<length where Int32(bytes[index]) == Int32(probabilities[start &+ index] * 0x1p8) {
              let limit = Generator.choiceLimit(Double(probabilities[start &+ index]))
              kept[index] = generator.rest(ofChoiceAt: start &+ index) < UInt32(truncatingIfNeeded: limit) ? 0xFF : 0
            }
            EntryMask.write(UnsafeMutableBufferPointer(rebasing: kept[..<length]), to: mask, from: start)
          }
        }
      }
    }
  }

  /// Keeps the entries above a cut.
  public init(_ magnitudes: Magnitudes, above cut: MagnitudeCut) {
    self.init(count: magnitudes.count) { mask in
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Tensor.blockLength) { bytes in
        magnitudes.inBlocks(0..<magnitudes.count) { block, entries in
          for index in 0..<block.count {
            let bits = entries[index].bitPattern & 0x7FFF_FFFF
            bytes[index] = bits >= cut.floor(at: block.lowerBound + index) ? 0xFF : 0
          }
          EntryMask.write(
            UnsafeMutableBufferPointer(rebasing: bytes[..<block.count]), to: mask, from: block.lowerBound)
        }
      }
    }
  }

  /// The tensor's entry where it is kept, else infinity, as float32.
  public func choosing(_ tensor: Tensor) -> Tensor {
    precondition(tensor.count == count, "a mask of \(count) entries does not fit \(tensor.shape)")
    return Tensor(shape: tensor.shape) { result in
      tensor.withFloats { entries in
        for index in result.indices { result[index] = self[index] ? entries[index] : .infinity }
      }
    }
  }

  // MARK: Steps

  /// Writes a byte for each of some entries in a row as their bits; of a word that holds others too, only theirs.
  static func write(
    _ bytes: UnsafeMutableBufferPointer<UInt8>, to mask: UnsafeMutablePointer<UInt32>, from start: Int
  ) {
    let end = start + bytes.count
    let firstWhole = min((start + wordBits - 1) / wordBits * wordBits, end)
    let lastWhole = max(end / wordBits * wordBits, firstWhole)
    if let bytes = bytes.baseAddress, firstWhole < lastWhole {
      kernel_mask_bytes(
        mask + firstWhole / wordBits, bytes + (firstWhole - start), (lastWhole - firstWhole) / wordBits)
    }
    for index in [start..<firstWhole, lastWhole..<end].joined() {
      let bit = UInt32(1) << UInt32(index % wordBits)
      mask[index / wordBits] =
        bytes[index - start] & 1 == 1 ? mask[index / wordBits] | bit : mask[index / wordBits] & ~bit
    }
  }

  private static func inRuns(
    _ count: Int, _ generator: Generator, _ body: (_ start: Int, UnsafePointer<UInt8>, _ length: Int) -> Void
  ) {
    let length = Generator.choiceRun
    withUnsafeTemporaryAllocation(byteCount: length, alignment: 64) { memory in
      guard let bytes = memory.baseAddress?.bindMemory(to: UInt8.self, capacity: length) else { return }
      for start in stride(from: 0, to: count, by: length) {
        generator.fill(bytes, run: start / length)
        body(start, bytes, min(length, count - start))
      }
    }
  }
}
