/// Bytes of the text that somebody gave, from the first to behind the last.
struct Span: Equatable, Sendable {
  var start: UInt32
  var end: UInt32
}

/// A text on its way to the model: UTF-8, and for each byte the bytes of the given text that it came from.
struct AlignedText {
  private(set) var bytes: [UInt8]
  /// As many as bytes; all bytes of a scalar have one span.
  private(set) var spans: [Span]
  /// Where it begins in the given text.
  let origin: UInt32

  /// A part of the given text as it is.
  init(_ text: Bytes, _ range: Range<Int>) {
    origin = UInt32(range.lowerBound)
    bytes = [UInt8](text[range])
    spans = [Span](unsafeUninitializedCapacity: range.count) { spans, count in
      var offset = range.lowerBound
      while offset < range.upperBound {
        let length = scalarLength(text[offset])
        let span = Span(start: UInt32(offset), end: UInt32(offset + length))
        for byte in 0..<length { spans[offset - range.lowerBound + byte] = span }
        offset += length
      }
      count = range.count
    }
  }

  init(bytes: [UInt8], spans: [Span], origin: UInt32) {
    self.bytes = bytes
    self.spans = spans
    self.origin = origin
  }

  /// Bytes of the given text that a range of this text came from.
  func source(of range: Range<Int>) -> Span {
    Span(start: spans[range.lowerBound].start, end: spans[range.upperBound - 1].end)
  }

  /// A scalar of a new text, and what it takes from the old one: 0 replaces the next scalar, −n replaces it and drops the n
  /// behind it, 1 is new and shares the place of what stands before it.
  struct Change {
    var scalar: UInt32
    var change: Int32
  }

  /// Puts a new text in the place of the old one.
  /// - Parameter dropped: How many scalars fall away before the first change.
  mutating func transform(_ changes: [Change], dropped: Int = 0) {
    var new: [UInt8] = []
    var places: [Span] = []
    new.reserveCapacity(bytes.count + bytes.count / 4)
    places.reserveCapacity(bytes.count + bytes.count / 4)
    var offset = 0
    for _ in 0..<dropped { offset += scalarLength(bytes[offset]) }
    for change in changes {
      let span: Span
      if change.change > 0 {
        span = offset < 1 ? Span(start: origin, end: origin) : spans[offset - 1]
      } else {
        span = spans[min(offset, spans.count - 1)]
        var taken = 1 - change.change
        while taken > 0, offset < bytes.count {
          offset += scalarLength(bytes[offset])
          taken -= 1
        }
      }
      new.append(scalar: change.scalar)
      while places.count < new.count { places.append(span) }
    }
    bytes = new
    spans = places
  }

  /// Goes over the scalars and puts what `body` gives for each in its place, with its span.
  mutating func map(_ body: (_ scalar: UInt32, _ emit: (UInt32) -> Void) -> Void) {
    var new: [UInt8] = []
    var places: [Span] = []
    new.reserveCapacity(bytes.count + bytes.count / 4)
    places.reserveCapacity(bytes.count + bytes.count / 4)
    bytes.withUnsafeBufferPointer { old in
      var offset = 0
      while offset < old.count {
        let (value, length) = scalar(old, at: offset)
        let span = spans[offset]
        body(value) {
          new.append(scalar: $0)
          while places.count < new.count { places.append(span) }
        }
        offset += length
      }
    }
    bytes = new
    spans = places
  }

  /// Keeps only a range.
  mutating func keep(_ range: Range<Int>) {
    bytes = [UInt8](bytes[range])
    spans = [Span](spans[range])
  }

  /// Changes bytes where they stand, for texts of ASCII.
  mutating func replaceBytes(_ body: (UInt8) -> UInt8) {
    bytes.withUnsafeMutableBufferPointer { bytes in
      for index in bytes.indices { bytes[index] = body(bytes[index]) }
    }
  }

  /// The scalars in order.
  var scalars: [UInt32] {
    bytes.withUnsafeBufferPointer { bytes in
      var scalars: [UInt32] = []
      scalars.reserveCapacity(bytes.count)
      var offset = 0
      while offset < bytes.count {
        let (value, length) = scalar(bytes, at: offset)
        scalars.append(value)
        offset += length
      }
      return scalars
    }
  }
}

extension AlignedText {
  /// Puts a text in the place of each match. It shares the place of the match's last byte.
  mutating func replace(_ matches: [Range<Int>], with content: [UInt8]) {
    guard !matches.isEmpty else { return }
    var new: [UInt8] = []
    var places: [Span] = []
    var end = 0
    for match in matches {
      new += bytes[end..<match.lowerBound]
      places += spans[end..<match.lowerBound]
      let span = match.upperBound == 0 ? Span(start: origin, end: origin) : spans[match.upperBound - 1]
      new += content
      places += repeatElement(span, count: content.count)
      end = match.upperBound
    }
    new += bytes[end...]
    places += spans[end...]
    bytes = new
    spans = places
  }

  /// Puts a text before the first scalar, whose place it shares. An empty text stays empty.
  mutating func prepend(_ content: [UInt8]) {
    guard let first = spans.first else { return }
    bytes.insert(contentsOf: content, at: 0)
    spans.insert(contentsOf: repeatElement(first, count: content.count), at: 0)
  }
}
