import Diagnostics
import Recipes
import Testing

/// Short recipes that ask for more than any machine can do.
@Suite struct EffortTests {
  /// Forty lines, each made of the one before, and what is done with the last of them.
  private static func doubling(_ first: String, _ next: (Int) -> String, then last: String) -> String {
    (["recipe \"R\"", first] + (1...40).map(next) + [last, ""]).joined(separator: "\n")
  }

  static let recipes = [
    doubling(
      "fn f0(x: number) -> number = x", { "fn f\($0)(x: number) -> number = f\($0 - 1)(x) + f\($0 - 1)(x)" },
      then: "require f40(1) > 0"),
    doubling("let t0 = \"xxxxxxxx\"", { "let t\($0) = \"{t\($0 - 1)}{t\($0 - 1)}\"" }, then: "require t40 == \"x\""),
    doubling("let m0 = checkpoint(\"m\")", { "let m\($0) = [m\($0 - 1), m\($0 - 1)]" }, then: "export m40 to \"out\""),
    doubling("let n0 = 1", { "let n\($0) = [n\($0 - 1), n\($0 - 1)]" }, then: "require n40 == n40"),
  ]

  @Test(arguments: recipes) func isRefused(recipe: String) {
    let errors = ErrorTests.errors(recipe)
    #expect(
      errors.hasPrefix("error: this recipe comes to more than 1000000 values, and is not worked out any further\n"))
    #expect(errors.ranges(of: "error: ").count == 1)
  }

  @Test(arguments: ["1 + ", "not (true) and ", "(1)", ".a"]) func whatGoesOnForTooLongIsRefused(part: String) {
    let parts = String(repeating: part, count: 100_000)
    let expression = part.hasSuffix(" ") ? parts + "1" : "f" + parts
    #expect(ErrorTests.errors("recipe \"R\"\nlet a = \(expression)\n").contains("goes on for more than 500 operators"))
  }

  @Test func typesInTypesHaveAnEnd() {
    let type = String(repeating: "[", count: 100_000)
    #expect(ErrorTests.errors("recipe \"R\"\nparam a: \(type)\n").contains("nested more than 200 deep"))
  }

  @Test func aUnitIsOneWithBlanksOrWithout() throws {
    let text = "recipe \"R\"\nparam n: count in 1...10units(precision: .bf16)\n"
    #expect(throws: DiagnosticsError.self) { try PrinterTests.formatted(text) }
    #expect(try PrinterTests.formatted("recipe \"R\"\nparam n: count = 10units\n").hasSuffix("= 10 units\n"))
  }
}
