import Catalog
import Operations
import Testing

@Suite("Every operation says what it is")
struct TextLaws {
  private static let signatures =
    Catalog.standard.entries.map(\.signature) + Catalog.standard.formats.map(\.signature)

  /// Begins with a capital, ends with a full stop, and holds no second sentence's worth of white space.
  private func isSentence(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first else { return false }
    return first.properties.isUppercase && text.hasSuffix(".") && !text.hasSuffix("..") && !text.contains("  ")
      && !text.contains("\n")
  }

  private func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "_")
    }
  }

  @Test("in sentences, under names of lowercase words", arguments: signatures.map(\.name))
  func texts(name: String) throws {
    let signature = try #require(Self.signatures.first { $0.name == name })
    #expect(isName(name))
    let summary = signature.about.summary
    #expect(isSentence(summary), "`\(name)`: \(summary)")
    for slot in signature.slots {
      #expect(isName(slot.name), "`\(slot.name)` of `\(name)`")
      #expect(isSentence(slot.text), "`\(slot.name)` of `\(name)`: \(slot.text)")
      for (choice, text) in slot.choices {
        #expect(isName(choice) && isSentence(text), "`.\(choice)` of `\(slot.name)` of `\(name)`: \(text)")
      }
    }
    for field in signature.fields {
      #expect(isName(field.name) && isSentence(field.text), "`\(field.name)` of `\(name)`: \(field.text)")
    }
  }

  @Test("with an example that calls it", arguments: signatures.map(\.name))
  func examples(name: String) throws {
    let about = try #require(Self.signatures.first { $0.name == name }).about
    #expect(!about.examples.isEmpty, "`\(name)` shows no example")
    for example in about.examples {
      #expect(example.expression.hasPrefix(name), "an example of `\(name)` is `\(example.expression)`")
      #expect(!example.title.isEmpty && !example.title.hasSuffix("."), "\(example.title)")
    }
  }

  @Test("and the cost of it", arguments: Catalog.standard.entries.map(\.signature.name))
  func costs(name: String) throws {
    #expect(try #require(Catalog.standard[name]).signature.about.cost.hasPrefix("O("), "`\(name)`")
  }

  @Test("Defaults lie in their ranges and are among their choices", arguments: signatures.map(\.name))
  func defaults(name: String) throws {
    for slot in try #require(Self.signatures.first { $0.name == name }).slots {
      for leaf in slot.defaultValue?.leaves ?? [] {
        if case .number(let number) = leaf, let range = slot.range {
          #expect(range.contains(number), "\(number) of `\(slot.name)` of `\(name)` is not in \(range)")
        }
        if case .choice(let choice) = leaf {
          #expect(slot.choices[choice] != nil, "`.\(choice)` of `\(slot.name)` of `\(name)` is no choice")
        }
      }
    }
  }

  @Test("Every name is given once, and metrics have fields")
  func names() {
    let names = Self.signatures.map(\.name)
    #expect(Set(names).count == names.count)
    for signature in Catalog.standard.entries.map(\.signature) {
      #expect((signature.output == .metrics) == !signature.fields.isEmpty, "`\(signature.name)`")
    }
    for kind in [ArtifactKind.checkpoint, .delta, .fisher, .dataset, .metrics] {
      #expect(Catalog.standard.defaultFormat(for: kind) != nil, "nothing writes a \(kind)")
    }
  }
}
