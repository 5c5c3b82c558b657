import Diagnostics
import Foundation
import Testing

@testable import Tokenizers

/// Files that are not as they should be: each gives one clear sentence, and nothing traps.
@Suite struct BadTokenizerTests {
  private static func file(_ name: String) throws -> [UInt8] {
    let url = Bundle.module.resourceURL!.appendingPathComponent("Golden/\(name).golden.json")
    let text = try String(contentsOf: url, encoding: .utf8)
    // The tokenizer is the last member of the golden file.
    let start = try #require(text.range(of: "\"tokenizer\":"))
    return Array(text[start.upperBound...].utf8.dropLast(2))
  }

  private func message(_ text: String) -> String {
    do {
      let tokenizer = try Tokenizer(Array(text.utf8), name: "tokenizer.json")
      _ = try tokenizer.encode("a b")
      return "none"
    } catch let error as OperationError {
      #expect(error.cause == .data)
      return error.message
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "What is not supported is named, with its place",
    arguments: [
      ("", "`tokenizer.json` is not a tokenizer: a value is missing, at byte 0"),
      ("[]", "`tokenizer.json` cannot be used as a tokenizer: it is not an object"),
      (#"{"version":"2.0"}"#, #"`tokenizer.json` cannot be used as a tokenizer: `version` is not "1.0""#),
      ("{}", "`tokenizer.json` is not a tokenizer: it has no `model.vocab`"),
      (
        #"{"model":{"type":"Foo","vocab":{}}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `model.type` is `Foo`, a model that is not known"
      ),
      (
        #"{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Foo"}]},"model":{"vocab":{}}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `normalizer.normalizers[1].type` is `Foo`, a normalizer that is not known"
      ),
      (
        #"{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated","invert":false}}"#,
        #"`tokenizer.json` cannot be used as a tokenizer: `pre_tokenizer.pattern.Regex` is `(a)\1`, which cannot be searched for: `\1` is not supported"#
      ),
      (
        #"{"pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Odd","invert":false}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `pre_tokenizer.behavior` is `Odd`, and known are `Removed`, `Isolated`, `MergedWithPrevious`, `MergedWithNext`, `Contiguous`"
      ),
      (
        #"{"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `model.dropout` is set: tokens would be another each time, which is not supported"
      ),
      (
        #"{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `model.merges[0]` needs the token `ab`, which is not in the vocabulary"
      ),
      (
        #"{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}"#,
        "`tokenizer.json` is not a tokenizer: the token `a` has no number"
      ),
      (
        #"{"model":{"type":"BPE","vocab":{"a":4294967295},"merges":[]}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `model.vocab` gives `a` the number 4294967295, and 2147483647 is too large"
      ),
      (
        #"{"model":{"type":"Unigram","unk_id":3,"vocab":[["a",0]]}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `model.unk_id` is 3, and there are 1 tokens"
      ),
      (
        #"{"model":{"type":"WordLevel","unk_token":"?","vocab":{"a":0}}}"#,
        "`a b` is not in the tokenizer, nor a token for what is unknown"
      ),
      (
        #"{"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="},"model":{"vocab":{}}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `normalizer.precompiled_charsmap` is not a map of characters: its trie is longer than it, or empty"
      ),
      (
        #"{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}}],"pair":[],"special_tokens":{}}}"#,
        "`tokenizer.json` cannot be used as a tokenizer: `post_processor.single[0].SpecialToken.id` is `[CLS]`, which `post_processor.special_tokens` does not have"
      ),
    ])
  func namedWithPlace(text: String, expected: String) {
    #expect(message(text) == expected)
  }

  @Test("Whose file it is, is said beside its name")
  func owner() {
    let error = #expect(throws: OperationError.self) {
      try Tokenizer(Array(#"{"version":"2.0"}"#.utf8), name: "tokenizer.json", of: "models/a")
    }
    #expect(
      error?.message == #"`tokenizer.json` of `models/a` cannot be used as a tokenizer: `version` is not "1.0""#)
  }

  @Test("Numbers far apart and rules that lead back to a token are fine")
  func oddButFine() throws {
    let holes = #"{"model":{"type":"BPE","vocab":{"a":5,"b":2000000000,"":7,"ab":5},"merges":["a b"," a"," b"]}}"#
    let tokenizer = try Tokenizer(Array(holes.utf8), name: "it")
    #expect(try tokenizer.encode("abba").ids == [5, 5])
    #expect(tokenizer.decode([5, 6, -1, 2_000_000_000]) == "ab b")
  }

  /// Every file is cut off, has bytes changed, and has parts of it swapped; whatever still loads encodes without a trap.
  @Test(
    "Damaged files give one error or a tokenizer", arguments: ["wordpiece-cased", "llama3", "gemma", "t5", "words"])
  func damage(name: String) throws {
    let whole = try Self.file(name)
    _ = try Tokenizer(whole, name: "whole")
    var state: UInt64 = 88_172_645_463_325_252
    func random(_ count: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(count))
    }
    let replacements = [
      "-1", "4294967296", "null", "[]", "{}", "\"\"", "1e400", "true", "\"Sequence\"", "0", "\"\\u0000\"",
    ]
    for round in 0..<120 {
      var bytes = whole
      switch round % 3 {
      case 0: bytes.removeLast(1 + random(bytes.count - 1))
      case 1: for _ in 0..<1 + random(4) { bytes[random(bytes.count)] = UInt8(random(256)) }
      default:
        // A value, from behind a colon or comma to before the next.
        let ends = bytes.indices.filter { [UInt8(ascii: ":"), UInt8(ascii: ",")].contains(bytes[$0]) }
        let place = random(ends.count - 1)
        bytes.replaceSubrange(
          ends[place] + 1..<ends[place + 1], with: Array(replacements[random(replacements.count)].utf8))
      }
      do {
        let tokenizer = try Tokenizer(bytes, name: "damaged")
        let encoding = try tokenizer.encode("Hello wörld,  [MASK] 你好 👍🏽\u{301}", pair: "and more")
        _ = tokenizer.decode(encoding.ids)
      } catch let error as OperationError {
        #expect(error.cause == .data && !error.message.isEmpty)
      }
    }
  }

  @Test("One tokenizer serves many threads at once")
  func threads() throws {
    let tokenizer = try Tokenizer(try Self.file("llama3"), name: "it")
    let texts = (0..<200).map { "text \($0) is it, isn't it? \(String(repeating: "é中", count: $0 % 7))" }
    let alone = try texts.map { try tokenizer.encode($0) }
    let together = try tokenizer.encode(texts)
    #expect(together == alone)
  }
}
