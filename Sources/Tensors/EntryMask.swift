/// Which entries of a tensor are kept: a byte for each, all ones where it is.
public struct EntryMask: Sendable {
  let buffer: Buffer

  private init(count: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) {
    buffer = Buffer(count: count) { bytes in
      if let bytes = bytes.baseAddress { fill(bytes.bindMemory(to: UInt8.self, capacity: count)) }
    }
  }

  public var count: Int { buffer.count }

  /// Keeps each entry by itself with one probability: where the generator's word at its position is less than 2³² times that.
  public init(count: Int, keeping probability: Double, _ generator: Generator) {
    let limit = UInt32(min(max((probability * 0x1p32).rounded(.up), 0), 0x1p32 - 1))
    self.init(count: count) { bytes in
      EntryMask.inRuns(count, generator) { start, words, length in
        let bytes = bytes + start
        for index in 0..<length { bytes[index] = words[index] < limit ? 0xFF : 0 }
      }
    }
  }

  /// Keeps each entry by itself with its own probability: where the generator's word is less than 2³² times that.
  public init(keeping probabilities: Tensor, _ generator: Generator) {
    self.init(count: probabilities.count) { bytes in
      probabilities.withFloats { probabilities in
        EntryMask.inRuns(probabilities.count, generator) { start, words, length in
          let bytes = bytes + start
          for index in 0..<length {
            let word = Double(Int32(bitPattern: words[index] ^ 0x8000_0000)) + 0x1p31
            bytes[index] = word < Double(probabilities[start &+ index]) * 0x1p32 ? 0xFF : 0
          }
        }
      }
    }
  }

  /// Keeps the entries above a cut.
  public init(_ magnitudes: Magnitudes, above cut: MagnitudeCut) {
    self.init(count: magnitudes.count) { bytes in
      magnitudes.inBlocks(0..<magnitudes.count) { block, entries in
        let bytes = bytes + block.lowerBound
        for index in 0..<block.count {
          let bits = entries[index].bitPattern & 0x7FFF_FFFF
          bytes[index] = bits >= cut.floor(at: block.lowerBound + index) ? 0xFF : 0
        }
      }
    }
  }

  /// The tensor's entry where it is kept, else infinity, as float32.
  public func choosing(_ tensor: Tensor) -> Tensor {
    precondition(tensor.count == count, "a mask of \(count) entries does not fit \(tensor.shape)")
    return Tensor(shape: tensor.shape) { result in
      tensor.withFloats { entries in
        buffer.withBytes { bytes in
          for index in result.indices { result[index] = bytes[index] == 0 ? .infinity : entries[index] }
        }
      }
    }
  }

  private static func inRuns(
    _ count: Int, _ generator: Generator, _ body: (_ start: Int, UnsafePointer<UInt32>, _ length: Int) -> Void
  ) {
    let length = Generator.wordRun
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: length) { words in
      guard let words = words.baseAddress else { return }
      for start in stride(from: 0, to: count, by: length) {
        generator.fill(words, run: start / length)
        body(start, words, min(length, count - start))
      }
    }
  }
}
