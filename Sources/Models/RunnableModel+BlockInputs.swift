import Networks
import Operations
import Tensors

/// What goes into a block for a batch of examples: (examples, places, width).
public typealias BlockInput = (rows: [Int], texts: TextBatch, input: Variable)

extension RunnableModel {
  /// Shows what goes into each block, one block after the other, with the weights of one block in memory at a time.
  ///
  /// - Parameter body: Is given the number of a block, and for each batch the numbers of its examples and what goes into the block.
  /// - Throws: `OperationError` where a weight is NaN or infinite; what `body` throws.
  public func forEachBlock(
    of data: ModelData, _ context: Context, _ body: (_ block: Int, _ inputs: [BlockInput]) throws -> Void
  ) throws {
    let outer = try blueprint.network(of: 0..<0) { try content.finiteTensor($0) }
    var inputs: [BlockInput] = []
    for block in 0..<blueprint.blocks {
      let before = max(block - 1, 0)..<block
      let network = try blueprint.network(of: before, sharing: outer) { try content.finiteTensor($0) }
      for (number, rows) in Self.batches(of: data).enumerated() {
        try context.checkCancelled()
        guard case .texts(let texts) = data.batch(rows),
          let input = network.output(.texts(texts), of: before, from: block == 0 ? nil : inputs[number].input)
        else { preconditionFailure("only networks that read texts have blocks that are gone through") }
        if block == 0 { inputs.append((rows, texts, input)) } else { inputs[number].input = input }
      }
      try body(block, inputs)
    }
  }

  /// Bytes that `forEachBlock` takes: the weights of one block and of what lies outside of them, what goes into a block and comes
  /// out of it for all examples, and a pass over a batch at its peak.
  public func memoryOfBlocks(of data: ModelData) -> Int {
    let blocks = (0..<blueprint.blocks).map { blueprint.entries(ofBlock: $0) }
    let batches = Self.batches(of: data).map { (examples: $0.count, length: data.length($0[0])) }
    let peak = batches.map { blueprint.peak(examples: $0.examples, length: $0.length, .forward) }.max() ?? 0
    let width = blueprint.embeddings.first?.outputs ?? 0
    let places = batches.reduce(0) { $0 + $1.examples * $1.length }
    return 4 * (blueprint.entries(ofBlock: nil) + (blocks.max() ?? 0) + 2 * width * places) + peak
  }

  private static func batches(of data: ModelData) -> [[Int]] { data.batches(64) }
}
