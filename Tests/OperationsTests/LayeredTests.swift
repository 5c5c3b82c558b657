import Testing

@testable import Operations

@Suite("Settings that change from tensor to tensor")
struct LayeredTests {
  private let names = TensorName.all([
    "model.embed_tokens.weight", "model.layers.0.mlp.weight", "model.layers.1.mlp.weight", "model.layers.1.attn.weight",
    "model.layers.2.mlp.weight", "model.norm.weight", "lm_head.weight",
  ])

  @Test("Depth goes from the first layer to the last")
  func depths() {
    #expect(names.map(\.layer) == [nil, 0, 1, 1, 2, nil, nil])
    #expect(names.map(\.depth) == [0, 0, 0.5, 0.5, 1, 1, 1])
    #expect(TensorName.all(["layers.0.weight"]).map(\.depth) == [0])
  }

  @Test("A gradient is linear between its points, over depth")
  func gradients() {
    let rising = Layered<Double>(.gradient([.number(0), .number(1), .number(5)]))
    #expect(names.map { rising($0) } == [0, 0, 1, 1, 5, 5, 5])
    let falling = Layered<Double>(.gradient([.number(1), .number(0)]))
    #expect(names.map { falling($0) } == [1, 1, 0.5, 0.5, 0, 0, 0])
    #expect(Layered<Double>(.gradient([.number(3)]))(names[3]) == 3)
  }

  @Test("The first arm that fits wins")
  func matches() {
    let byName = Layered<Double>(
      .matchTensor([
        .init(Pattern("*.mlp.*"), .gradient([.number(0), .number(2)])), .init(Pattern("*.attn.*"), .number(7)),
        .init(Pattern("*"), .number(-1)),
      ]))
    #expect(names.map { byName($0) } == [-1, 0, 1, 7, 2, -1, -1])
    let byLayer = Layered<Double>(
      .matchLayer([.init(0..<1, .number(1)), .init(0..<2, .number(2)), .init(nil, .number(3))]))
    #expect(names.map { byLayer($0) } == [3, 1, 2, 2, 3, 3, 3])
  }

  @Test("A pattern's star is any run of characters, its question mark any one")
  func patterns() {
    func matches(_ pattern: String, _ name: String) -> Bool { Pattern(pattern).matches(name) }
    #expect(matches("*", "") && matches("*", "a.b") && matches("a.b", "a.b"))
    #expect(matches("*.mlp.*", "model.mlp.up") && !matches("*.mlp.*", "model.mlp") && !matches("*.mlp.*", "mlp.up"))
    #expect(matches("a?c", "abc") && !matches("a?c", "ac") && !matches("a?", "abc"))
    #expect(matches("*a*b*c", "xxaybzbc") && !matches("*a*b*c", "xxaybzb"))
    #expect(matches("**x**", "x") && !matches("", "x") && matches("", ""))
  }
}
