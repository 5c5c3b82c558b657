import Diagnostics
import Formats
import Foundation
import Operations
import Tokenizers

extension Command {
  static let tokenize = Command(
    "tokenize", .results, "Show the tokens of a text, as a model's tokenizer makes them.",
    discussion: """
      The tokenizer is the model's `tokenizer.json`. Numbers, places and all are those of Hugging Face's `tokenizers`; places count \
      characters.
      """,
    operands: [
      Operand("MODEL", .one, .files, "A model's folder, or a `tokenizer.json`."),
      Operand("TEXT", .any, .nothing, "Texts."),
    ],
    options: [Options.lines, Options.count, Options.json],
    examples: [
      "mergekit tokenize models/base 'Hello there'", "mergekit tokenize models/base --lines corpus.txt --json",
    ]
  ) { invocation in
    let tokenizer = try invocation.tokenizer(invocation.arguments.operands[0])
    var texts = Array(invocation.arguments.operands.dropFirst())
    if let path = invocation.arguments[Options.lines] { texts += try invocation.lines(of: path) }
    if invocation.arguments.has(Options.count) {
      let count = try texts.reduce(0) { try $0 + tokenizer.encode($1).count }
      invocation.print(String(count))
      return 0
    }
    if invocation.arguments.has(Options.json) {
      invocation.print(.array(try texts.map { try tokenizer.encode($0).json(of: $0, tokenizer) }))
      return 0
    }
    for text in texts {
      let encoding = try tokenizer.encode(text)
      for index in encoding.ids.indices {
        let token = Renderer.printable(tokenizer.token(encoding.ids[index]) ?? "")
        let place = encoding.places[index]
        invocation.print("\(encoding.ids[index])\t\(token)\t\(place.start)..<\(place.end)")
      }
    }
    return 0
  }
}

extension Invocation {
  /// The tokenizer of a model's folder, or of a file.
  fileprivate func tokenizer(_ path: String) throws -> Tokenizer {
    var file = absolute(path)
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder.boolValue {
      file = Invocation.join(file, "tokenizer.json")
    }
    return try Tokenizer(try File.contents(of: file), name: file)
  }

  /// The lines of a file of text, without their ends.
  fileprivate func lines(of path: String) throws -> [String] {
    let bytes = try File.contents(of: absolute(path))
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw OperationError(.data, "`\(path)` is not UTF-8")
    }
    var lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { String(Substring($0)) }
  }
}

extension Encoding {
  fileprivate func json(of text: String, _ tokenizer: Tokenizer) -> JSON {
    [
      "text": .string(text), "ids": .array(ids.map { .integer(Int($0)) }),
      "tokens": .array(ids.map { .string(tokenizer.token($0) ?? "") }),
      "places": .array(places.map { [.integer($0.start), .integer($0.end)] }),
      "words": .array(words.map { $0 < 0 ? .null : .integer(Int($0)) }),
    ]
  }
}
