import Tensors

/// Texts as two tensors: `NAME.bytes`, all bytes one after the other, and `NAME.offsets`, where each begins and the last one ends.
public struct TextColumn: Sendable {
  public let texts: [String]

  public init(_ texts: [String]) { self.texts = texts }

  /// Reads a column; nil where the content has none of that name.
  public init?(_ content: Content, _ name: String) throws {
    guard content.entry(name + ".bytes") != nil, content.entry(name + ".offsets") != nil else { return nil }
    let (bytes, ends) = (try content.tensor(name + ".bytes"), try content.tensor(name + ".offsets").integers)
    texts = bytes.withBytes { bytes in
      zip(ends, ends.dropFirst()).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
    }
  }

  public func tensors(_ name: String) -> [(name: String, tensor: Tensor)] {
    var bytes: [UInt8] = []
    var offsets = [0]
    for text in texts {
      bytes += Array(text.utf8)
      offsets.append(bytes.count)
    }
    return [
      (name + ".bytes", Tensor(bytes: bytes, dtype: .u8, shape: [bytes.count])),
      (name + ".offsets", Tensor(offsets, shape: [offsets.count])),
    ]
  }
}

extension Dataset {
  /// The tensor of the words' classes, one after the other, whole numbers from 0.
  public static let tagsName = "tags"
  /// Where each example's words begin among them, and the last one's end.
  public static let tagEndsName = "tags.offsets"
  /// The column of texts that are to be continued with, all examples' one after the other.
  public static let choicesName = "choices"
  /// Where each example's choices begin among them, and the last one's end.
  public static let choiceEndsName = "choices.starts"
  /// The column of texts that are to be generated.
  public static let answersName = "answers"
}
