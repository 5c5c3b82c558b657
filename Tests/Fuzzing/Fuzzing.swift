// One entry for libFuzzer into every parser of files and texts that come from elsewhere. `./Tests/Fuzzing/build` builds it; it is no
// part of the package, so that no other build takes longer.
//
// FUZZ_PARSER says which parser gets the input. An error that it throws is what should happen; anything that ends the process,
// an overflow, an index out of range, a hang, is a crash.

import Diagnostics
import Fingerprints
import Foundation
import Operations

@testable import Catalog
@testable import Formats
@testable import Imports
@testable import Recipes
@testable import Registry

private let catalog = Catalog.standard

/// The parsers by their names.
private let parsers: [String: @Sendable ([UInt8]) -> Void] = [
  "safetensors": { bytes in
    // The first two bytes are the length of the tensors' data.
    let length = bytes.prefix(2).reduce(0) { $0 << 8 | Int($1) }
    guard let header = try? SafetensorsHeader(parsing: Array(bytes.dropFirst(2)), dataLength: length) else { return }
    precondition(header.entries.allSatisfy { $0.bytes.upperBound <= length }, "a tensor lies outside the file")
  },
  "json": { bytes in
    guard let json = try? JSON(parsing: bytes) else { return }
    let again = try? JSON(parsing: Array(json.pretty.utf8))
    precondition(again == json, "what was written reads otherwise")
    precondition(again?.canonical == json.canonical, "the canonical text is another")
  },
  "csv": { bytes in _ = try? Table(csv: bytes, path: "fuzz.csv") },
  "jsonl": { bytes in _ = try? Table(jsonLines: bytes, path: "fuzz.jsonl") },
  "recipe": { bytes in
    let source = Source(name: "fuzz.rcp", text: String(decoding: bytes, as: UTF8.self))
    if let text = try? Recipe.formatted(source) {
      let again = try? Recipe.formatted(Source(name: "again.rcp", text: text))
      precondition(again == text, "what was formatted is formatted otherwise")
    }
  },
  "elaboration": { bytes in
    let source = Source(name: "fuzz.rcp", text: String(decoding: bytes, as: UTF8.self))
    let recipe = Recipe(source, path: "/nowhere/fuzz.rcp")
    // A recipe that asks for too much is refused sooner than elsewhere, or every such input would take seconds.
    let elaboration = recipe.elaborated(catalog, settings: [], isChecked: true, effort: 10_000) { _ in "" }
    // Random texts have a mistake in every other word, and showing all of them would take most of the time.
    _ = Renderer(isColored: false).text(Array(elaboration.diagnostics.prefix(2)))
  },
  "yaml": { bytes in
    let source = Source(name: "fuzz.yml", text: String(decoding: bytes, as: UTF8.self))
    _ = try? MergekitImport(
      source, search: ModelSearch(directory: "/nowhere"), recipeFolder: "/nowhere", catalog: catalog)
  },
  "tokenizer": { bytes in _ = try? TokenizerVocabulary(bytes, name: "tokenizer.json") },
  "receipt": { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    _ = Manifest(parsing: text)
    _ = Digest(text)
    _ = StoredObject.artifact(ofName: text)
    _ = Ref.complaint(about: text)
  },
]

private let parse: @Sendable ([UInt8]) -> Void = {
  let name = ProcessInfo.processInfo.environment["FUZZ_PARSER"] ?? ""
  guard let parser = parsers[name] else {
    FileHandle.standardError.write(
      Data("FUZZ_PARSER is one of \(parsers.keys.sorted().joined(separator: ", "))\n".utf8))
    exit(64)
  }
  return parser
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  parse(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
