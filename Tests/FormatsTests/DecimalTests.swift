import Testing

@testable import Formats

@Suite struct DecimalTests {
  @Test func equalsTheStandardLibrary() {
    var generator = SeededGenerator(3)
    for _ in 0..<20_000 {
      let number = Double(bitPattern: generator.next())
      let digits = Int.random(in: 0..<1_000_000_000, using: &generator)
      for text in [
        "\(number)", "\(digits)", "-0.\(digits)", "\(digits).\(digits)", "+\(digits)e-\(digits % 300)", "\(digits).",
      ] {
        let expected = Double(text).flatMap { $0.isFinite ? $0.bitPattern : nil }
        #expect(Double(decimal: Array(text.utf8)[...])?.bitPattern == expected, "\(text)")
      }
    }
  }

  @Test(arguments: [
    "", "-", ".", "e5", "1e", "1e+", "nan", "inf", "infinity", "0x10", "1_000", "1,5", "--1", "1 ", "1e400",
  ])
  func takesNothingElseForANumber(_ text: String) { #expect(Double(decimal: Array(text.utf8)[...]) == nil) }
}
