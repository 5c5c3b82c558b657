extension Tensor {
  /// Makes a float32 tensor of others of its shape, block by block.
  /// - Parameter body: Gets a block's entries of each operand as float32, their number, and where to write as many.
  static func blockwise(
    _ operands: [Tensor],
    _ body: (_ operands: [UnsafePointer<Float>], _ count: Int, _ result: UnsafeMutablePointer<Float>) -> Void
  ) -> Tensor {
    Tensor(shape: commonShape(operands)) { result in
      inBlocks(of: operands) { entries, block in
        guard let target = UnsafeMutableBufferPointer(rebasing: result[block]).baseAddress else { return }
        body(entries, block.count, target)
      }
    }
  }

  /// Goes over tensors of one shape in blocks that stay in the first cache.
  /// - Parameter body: Gets a block's entries of each operand as float32, and which entries they are.
  static func inBlocks(
    of operands: [Tensor], _ body: (_ operands: [UnsafePointer<Float>], _ block: Range<Int>) -> Void
  ) {
    let count = commonShape(operands).count
    withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength * operands.count) { memory in
      let places = operands.indices.map { place in
        UnsafeMutableBufferPointer(rebasing: memory[place * blockLength..<(place + 1) * blockLength])
      }
      let entries = places.compactMap { $0.baseAddress.map { UnsafePointer($0) } }
      for start in stride(from: 0, to: count, by: blockLength) {
        let block = start..<min(start + blockLength, count)
        for (operand, place) in zip(operands, places) { operand.copyFloats(block, to: place) }
        body(entries, block)
      }
    }
  }
}
