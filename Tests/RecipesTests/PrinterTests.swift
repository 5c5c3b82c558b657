import Diagnostics
import Recipes
import Testing

@Suite struct PrinterTests {
  static func formatted(_ text: String) throws -> String { try Recipe.formatted(Source(name: "r.rcp", text: text)) }

  static let canonical = """
    #!/usr/bin/env mergekit
    ## What it is for.
    recipe "R"

    use "lib/depth.rcp" as depth

    ## How many.
    param samples: count in 1...1_000_000 = 4096 examples

    param share: fraction in 0%...100% = 60% # of the whole
    param list: [checkpoint]? = none

    fn candidate(weight: number in 0...1.5, density: fraction) -> checkpoint = ties(
        base:,
        density:,
    )

    fn tuned(adapter: adapter) -> adapter = finetune(base:, adapter:)

    let base = checkpoint("b")
    let few = dataset("d", limit: if fast then 256 examples else none)

    # Apart.
    let many = [1, -2, 3e-4, 10_000, 2 GiB, 1 - share]

    let merged = ties(
        base:,
        models: [
            for (a, b) in zip(models, [1, 2]) if not a.ok and b >= 2: attach(a, adapter: b),
        ],
        # Above an item.
        density: match tensor {
            "*.mlp.*" => 50%, # beside an arm
            _ => gradient([0, 0.3]),
        },
        scale: depth.rising,
    )

    require after.accuracy >= before.accuracy - 1% else "worse"

    export merged to "out" as safetensors(precision: .bf16, shard: 2 GiB)
    # The end.

    """.replacing(" # beside an arm", with: "  # beside an arm").replacing("% # of", with: "%  # of")

  @Test func theOneFormStays() throws {
    let printed = try Self.formatted(Self.canonical).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(printed == Self.canonical.split(separator: "\n", omittingEmptySubsequences: false))
  }

  @Test func everyOtherFormBecomesIt() throws {
    #expect(
      try Self.formatted(
        "recipe   \"R\"\nlet x=f( base : base ,models:[ a,b ,],)   \nlet y = x  -  1000000*-2\nexport x to \"o\"\n")
          == """
          recipe "R"

          let x = f(base:, models: [a, b])
          let y = x - 1_000_000 * -2

          export x to "o"

          """)
    #expect(
      try Self.formatted(
        "let x = f(aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, ccccccccccccccc)\n")
          == """
          let x = f(
              aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,
              bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,
              ccccccccccccccc,
          )

          """)
  }

  @Test func commentsAreKept() throws {
    let text = "let x = f( # one\n  a, # two\n  # three\n  b # four\n  # five\n) # six\n# seven\n"
    let once = try Self.formatted(text)
    for word in ["one", "two", "three", "four", "five", "six", "seven"] { #expect(once.contains("# " + word)) }
    #expect(try Self.formatted(once) == once)
  }
}
