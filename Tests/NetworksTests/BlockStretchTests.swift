import GoldenNumbers
import Tensors
import Testing

@testable import Networks

/// A network that is run block by block beside the same network in one go.
struct BlockStretchTests {
  @Test(arguments: GoldenNetworks.cases)
  func `layers see the same inputs, to the bit, when other blocks are passed over`(
    _ test: GoldenNetworks.Case
  ) throws {
    let network = try GoldenNetworks().network(test, isTrainable: false)
    let blueprint = network.blueprint
    var expected: [String: [[Float]]] = [:]
    _ = network.output(test.batch) { expected[$0, default: []].append($1.entries) }
    #expect(Set(expected.keys) == Set(blueprint.places.keys))
    var start: Variable?
    for block in 0...blueprint.blocks {
      let inside = blueprint.places.filter { $0.value == [.inside(block)] }.map(\.key)
      let behind = blueprint.places.filter { $0.value == [.between(block)] }.map(\.key)
      for (paths, blocks) in [(inside, block..<min(block + 1, blueprint.blocks)), (behind, block..<block)] {
        guard !paths.isEmpty else { continue }
        var found: [String: [[Float]]] = [:]
        network.observe(test.batch, inputsOf: Set(paths), blocks: blocks, from: start) {
          found[$0, default: []].append($1.entries)
        }
        for path in paths { #expect(found[path] == expected[path], "\(path)") }
      }
      if block < blueprint.blocks { start = network.output(test.batch, of: block..<block + 1, from: start) }
    }
  }

  @Test(arguments: GoldenNetworks.cases)
  func `blocks give the same, to the bit, when only their own weights are loaded`(_ test: GoldenNetworks.Case) throws {
    let network = try GoldenNetworks().network(test, isTrainable: false)
    let blueprint = network.blueprint
    var read: [String: Int] = [:]
    func part(_ blocks: Range<Int>, sharing outer: Network?) throws -> Network {
      try blueprint.network(of: blocks, sharing: outer) { name in
        read[name, default: 0] += 1
        return GoldenNumbers.weight(name, try #require(blueprint.tensors.first { $0.name == name }).shape)
      }
    }
    let outer = try part(0..<0, sharing: nil)
    var found = outer.output(test.batch, of: 0..<0, from: nil)
    for block in 0..<blueprint.blocks {
      found = try part(block..<block + 1, sharing: outer).output(test.batch, of: block..<block + 1, from: found)
      let expected = network.output(test.batch, of: 0..<block + 1, from: nil)
      #expect(found != nil && found?.entries == expected?.entries, "block \(block)")
    }
    #expect(read.values.allSatisfy { $0 == 1 } && read.count == blueprint.tensors.count)
    let entries = (0..<blueprint.blocks).reduce(blueprint.entries(ofBlock: nil)) { $0 + blueprint.entries(ofBlock: $1) }
    #expect(entries == blueprint.tensors.reduce(0) { $0 + $1.shape.count })
  }
}
