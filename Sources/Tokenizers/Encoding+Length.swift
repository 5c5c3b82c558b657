import Diagnostics

/// How long an encoding may be: `truncation` of `tokenizer.json`.
struct Truncation: Sendable {
  enum Direction: String, CaseIterable {
    case left = "Left"
    case right = "Right"
  }
  enum Strategy: String, CaseIterable {
    case longestFirst = "LongestFirst"
    case onlyFirst = "OnlyFirst"
    case onlySecond = "OnlySecond"
  }

  let direction: Direction
  let strategy: Strategy
  let longest: Int
  /// How many tokens each part that overflows shares with the one before it.
  let stride: Int

  init(_ field: Field) throws {
    direction = field["direction"].isNull ? .right : try field["direction"].name(Direction.self)
    strategy = try field["strategy"].name(Strategy.self)
    longest = try field["max_length"].count()
    stride = try field["stride"].count()
  }

  /// The end is cut off, of the longer of two texts first.
  init(longest: Int) {
    (direction, strategy, stride) = (.right, .longestFirst, 0)
    self.longest = longest
  }

  /// Truncates one or two encodings, to leave room for special tokens.
  func apply(_ encodings: inout [Encoding], room: Int) throws {
    guard room <= longest else {
      throw OperationError(.data, "`truncation.max_length` is \(longest), and \(room) special tokens alone are more")
    }
    let longest = longest - room
    let total = encodings.reduce(0) { $0 + $1.count }
    if longest == 0 {
      for index in encodings.indices { try encodings[index].truncate(to: 0, self) }
      return
    }
    guard total > longest else { return }
    switch strategy {
    case .longestFirst:
      guard encodings.count > 1 else { return try encodings[0].truncate(to: longest, self) }
      var short = min(encodings[0].count, encodings[1].count)
      var long = short > longest ? short : max(short, longest - short)
      if short + long > longest {
        short = longest / 2
        long = short + longest % 2
      }
      let isSwapped = encodings[0].count > encodings[1].count
      try encodings[0].truncate(to: isSwapped ? long : short, self)
      try encodings[1].truncate(to: isSwapped ? short : long, self)
    case .onlyFirst, .onlySecond:
      let index = strategy == .onlyFirst ? 0 : 1
      guard index < encodings.count else {
        throw OperationError(.data, "`truncation.strategy` is `OnlySecond`, and there is no second text")
      }
      let kept = encodings[index].count - (total - longest)
      guard kept > 0 else {
        throw OperationError(.data, "the text is too short to be truncated so that \(longest) tokens remain")
      }
      try encodings[index].truncate(to: kept, self)
    }
  }
}

/// How encodings are filled up: `padding` of `tokenizer.json`.
struct Padding: Sendable {
  enum Direction: String, CaseIterable {
    case left = "Left"
    case right = "Right"
  }

  /// nil: the longest of those that are encoded together.
  let length: Int?
  let direction: Direction
  let multiple: Int
  let id: Int32
  let type: Int32

  init(_ field: Field) throws {
    let strategy = field["strategy"]
    if strategy.value.string == "BatchLongest" {
      length = nil
    } else {
      length = try strategy["Fixed"].count()
    }
    direction = try field["direction"].name(Direction.self)
    multiple = field["pad_to_multiple_of"].isNull ? 0 : try field["pad_to_multiple_of"].count()
    id = try field["pad_id"].id()
    type = try field["pad_type_id"].id()
    guard length ?? 0 <= 1 << 24, multiple <= 1 << 24 else { throw field.fault("asks for more than \(1 << 24) tokens") }
  }

  func apply(_ encodings: inout [Encoding]) {
    var target = length ?? encodings.map(\.count).max() ?? 0
    if multiple > 0, target % multiple > 0 { target += multiple - target % multiple }
    for index in encodings.indices { encodings[index].pad(to: target, self) }
  }
}

extension Encoding {
  fileprivate mutating func truncate(to longest: Int, _ truncation: Truncation) throws {
    guard count > longest else { return }
    if longest == 0 {
      let whole = self
      self = Encoding()
      overflow = [whole]
      return
    }
    guard truncation.stride < longest else {
      throw OperationError(
        .data, "`truncation.stride` is \(truncation.stride), and parts have only \(longest) tokens of the text")
    }
    let step = longest - truncation.stride
    var parts: [Range<Int>] = []
    switch truncation.direction {
    case .right:
      for start in Swift.stride(from: 0, to: count, by: step) {
        parts.append(start..<min(start + longest, count))
        if start + longest >= count { break }
      }
    case .left:
      for end in Swift.stride(from: count, to: 0, by: -step) {
        parts.append(max(0, end - longest)..<end)
        if end <= longest { break }
      }
    }
    let whole = self
    self = whole[parts[0]]
    overflow = parts.dropFirst().map { whole[$0] }
  }

  fileprivate mutating func pad(to length: Int, _ padding: Padding) {
    for index in overflow.indices { overflow[index].pad(to: length, padding) }
    guard count < length else { return }
    var filling = Encoding(special: Array(repeating: padding.id, count: length - count), type: padding.type)
    filling.attentionMask = Array(repeating: 0, count: filling.count)
    let parts = overflow
    overflow = []
    switch padding.direction {
    case .right: append(filling)
    case .left:
      filling.append(self)
      self = filling
    }
    overflow = parts
  }
}
