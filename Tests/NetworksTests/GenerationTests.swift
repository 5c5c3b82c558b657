import Formats
import GoldenNumbers
import Tensors
import Testing

@testable import Networks

/// Decoding with keys and values that are kept beside decoding that reads the whole text for every token.
struct GenerationTests {
  static let decoders = GoldenNetworks.cases.filter { test in
    let name = test.config["architectures"]?.array?.first?.string ?? ""
    return name.hasSuffix("ForCausalLM") || name.hasSuffix("LMHeadModel")
  }

  @Test func `there are decoders`() { #expect(Self.decoders.count > 10) }

  @Test(arguments: decoders) func `answers are those of reading the whole text anew`(
    _ test: GoldenNetworks.Case
  ) throws {
    let network = try GoldenNetworks().network(test, isTrainable: false)
    guard case .tokens(let vocabulary, let context, _, let padding) = network.blueprint.input else { return }
    let prompts = (1...19).map { text in
      GoldenNumbers.hashed("prompt \(text) \(test.name)", text * 3 % 7 + 1).map { Int(($0 + 0.5) * Double(vocabulary)) }
    }
    // Texts end at different tokens, so that batches grow smaller on the way.
    func answers(_ keepsKeys: Bool) throws -> [[Int]] {
      try network.greedy(
        prompts, most: min(9, max(1, context - 7)), padding: padding, keepsKeys: keepsKeys,
        isDone: { $0.last.map { $0 % 5 == 0 } ?? false }, progress: { _ in })
    }
    #expect(try answers(true) == answers(false))
  }

  @Test(arguments: decoders) func `logits are those of reading the whole text anew`(
    _ test: GoldenNetworks.Case
  ) throws {
    let network = try GoldenNetworks().network(test, isTrainable: false)
    guard case .texts(let texts) = test.batch, network.blueprint.architecture.keepsKeys(upTo: texts.length) else {
      return
    }
    let rows = texts.counts.indices.map { text in
      Array(texts.tokens[text * texts.length..<text * texts.length + texts.counts[text]])
    }
    let cache = KeyValueCache(network.memory, capacity: texts.length)
    func output(_ batch: TextBatch, _ cache: KeyValueCache?) -> Variable {
      let pass = Pass(Tape(network.memory, recording: false), network.weights)
      pass.cache = cache
      return network.output(pass, .texts(batch))
    }
    let heads = [3, 2]
    _ = output(TextBatch(zip(rows, heads).map { Array($0.prefix($1)) }, padding: 0), cache)
    let whole = output(TextBatch(zip(rows, heads).map { Array($0.prefix($1 + 3)) }, padding: 0), nil).entries
    let width = whole.count / 2 / 6
    for step in 0..<3 {
      let batch = TextBatch(
        zip(rows, heads).map { [$0[$1 + step]] }, padding: 0, first: heads.map { $0 + step })
      let next = output(batch, cache).entries
      for text in 0..<2 {
        let place = (text * 6 + heads[text] + step) * width
        for column in 0..<width { #expect(abs(next[text * width + column] - whole[place + column]) < 1e-4) }
      }
    }
  }
}
