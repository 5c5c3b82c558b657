import Networks
import Operations

/// Goes through a network layer by layer while its layers change: what goes into the next one is kept for every batch, so that each
/// layer runs twice, as it was and as it became, and no other runs with it.
///
/// Where layers are used several times, as ALBERT's are, the whole network runs each time.
public struct LayerWalk {
  private let network: Network
  private let batches: [Batch]
  /// What goes into the block that is next, for each batch; nil where that is the first.
  private var inputs: [Variable?]
  private var next = 0

  public init(_ network: Network, _ examples: ModelData) {
    self.network = network
    batches = examples.batches(64).map(examples.batch)
    inputs = batches.map { _ in nil }
  }

  /// What goes into some linear layers while all layers before them are as they are now.
  ///
  /// Layers are asked for in the order in which they are used; those that were asked for before no longer change.
  public mutating func grams(of paths: [String], _ context: Context) throws -> InputGrams {
    var grams = InputGrams()
    guard !paths.isEmpty else { return grams }
    let blocks = self.blocks(of: paths)
    if let blocks { try advance(to: blocks.lowerBound, context) }
    for (number, batch) in batches.enumerated() {
      try context.checkCancelled()
      network.observe(batch, inputsOf: Set(paths), blocks: blocks, from: blocks == nil ? nil : inputs[number]) {
        grams.add($1, of: $0, batch)
      }
      grams.endBatch()
    }
    return grams
  }

  /// The blocks that must run for some layers to be seen, from the one on whose input is known; nil where all must.
  private func blocks(of paths: [String]) -> Range<Int>? {
    let blueprint = network.blueprint
    guard blueprint.places.values.allSatisfy({ $0.count == 1 }) else { return nil }
    let places = Set(paths.compactMap { blueprint.places[$0]?.first })
    guard places.count == 1, let place = places.first else { return nil }
    switch place {
    case .inside(let block): return block < next ? nil : block..<block + 1
    case .between(let count): return count < next ? nil : count..<count
    }
  }

  private mutating func advance(to block: Int, _ context: Context) throws {
    guard block > next else { return }
    for (number, batch) in batches.enumerated() {
      try context.checkCancelled()
      inputs[number] = network.output(batch, of: next..<block, from: inputs[number])
    }
    next = block
  }
}
