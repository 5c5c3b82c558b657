import Diagnostics

/// What is put around the tokens of one text or two: `post_processor` of `tokenizer.json`.
enum PostProcessor: Sendable {
  /// The part of a template: a text, or special tokens.
  enum Part: Sendable {
    case text(isFirst: Bool, type: Int32)
    case special([Int32], type: Int32)
  }

  case template(single: [Part], pair: [Part])
  case bert(first: Int32, separator: Int32)
  case roberta(first: Int32, separator: Int32, trims: Trimming?)
  case byteLevel(Trimming?)
  case sequence([PostProcessor])

  /// White space at the ends of tokens is left out of their places.
  struct Trimming: Sendable {
    /// The first space of a text was put there, and is none.
    let addsPrefixSpace: Bool
  }

  init(_ field: Field) throws {
    func trimming() throws -> Trimming? {
      try field["trim_offsets"].flag() ? Trimming(addsPrefixSpace: field["add_prefix_space"].flag()) : nil
    }
    func special(_ name: String) throws -> Int32 {
      let pair = try field[name].elements()
      guard pair.count == 2 else { throw field[name].fault("is not a token and its number") }
      return try pair[1].id()
    }
    let kind = field["type"]
    switch try kind.text() {
    case "TemplateProcessing":
      self = .template(
        single: try Self.parts(field["single"], field["special_tokens"], isPair: false),
        pair: try Self.parts(field["pair"], field["special_tokens"], isPair: true))
    case "BertProcessing": self = .bert(first: try special("cls"), separator: try special("sep"))
    case "RobertaProcessing":
      self = .roberta(first: try special("cls"), separator: try special("sep"), trims: try trimming())
    case "ByteLevel": self = .byteLevel(try trimming())
    case "Sequence":
      let parts = try field["processors"].elements().map(PostProcessor.init)
      // A template is made for one text or two, and a second one would get the pieces of the first.
      guard parts.count(where: { if case .template = $0 { true } else { false } }) <= 1 else {
        throw field["processors"].fault("has two templates")
      }
      self = .sequence(parts)
    case let name: throw kind.fault("is `\(name)`, a post-processor that is not known")
    }
  }

  private static func parts(_ template: Field, _ specials: Field, isPair: Bool) throws -> [Part] {
    try template.elements().map { element in
      let text = element["Sequence"]
      if !text.isNull {
        let name = try text["id"].text()
        guard name == "A" || (name == "B" && isPair) else {
          throw text["id"].fault("is `\(name)`, a text that is not there")
        }
        return .text(isFirst: name == "A", type: try text["type_id"].id())
      }
      let special = element["SpecialToken"]
      let name = try special["id"].text()
      let ids = specials[name]["ids"]
      guard !ids.isNull else { throw special["id"].fault("is `\(name)`, which `\(specials.place)` does not have") }
      return .special(try ids.elements().map { try $0.id() }, type: try special["type_id"].id())
    }
  }

  /// How many tokens it puts in.
  func added(isPair: Bool) -> Int {
    switch self {
    case .template(let single, let pair):
      (isPair ? pair : single).reduce(0) { if case .special(let ids, _) = $1 { $0 + ids.count } else { $0 } }
    case .bert: isPair ? 3 : 2
    case .roberta: isPair ? 4 : 2
    case .byteLevel: 0
    case .sequence(let parts): parts.reduce(0) { $0 + $1.added(isPair: isPair) }
    }
  }

  /// Whether it looks at white space at the ends of tokens.
  var trims: Bool {
    switch self {
    case .template, .bert: false
    case .roberta(_, _, let trims): trims != nil
    case .byteLevel(let trims): trims != nil
    case .sequence(let parts): parts.contains(where: \.trims)
    }
  }

  func apply(_ encodings: inout [Encoding], addsSpecial: Bool) {
    switch self {
    case .template(let single, let pair):
      var result: [Encoding] = []
      for part in encodings.count > 1 ? pair : single {
        switch part {
        case .text(let isFirst, let type):
          encodings[isFirst ? 0 : 1].setType(type)
          result.append(encodings[isFirst ? 0 : 1])
        case .special(let ids, let type): if addsSpecial { result.append(Encoding(special: ids, type: type)) }
        }
      }
      encodings = result
    case .bert(let first, let separator):
      guard addsSpecial else { return }
      for index in encodings.indices {
        let type = Int32(index)
        encodings[index].surround(with: index == 0 ? first : nil, separator, type: type)
      }
    case .roberta(let first, let separator, let trims):
      if let trims { Self.trim(&encodings, trims) }
      // Every part of a pair is of type 0.
      for index in encodings.indices { encodings[index].setType(0) }
      guard addsSpecial else { return }
      for index in encodings.indices {
        encodings[index].surround(with: index == 0 ? first : separator, separator, type: 0, setsType: true)
      }
    case .byteLevel(let trims): if let trims { Self.trim(&encodings, trims) }
    case .sequence(let parts): for part in parts { part.apply(&encodings, addsSpecial: addsSpecial) }
    }
  }

  private static func trim(_ encodings: inout [Encoding], _ trimming: Trimming) {
    for index in encodings.indices {
      encodings[index].trim(trimming)
      for part in encodings[index].overflow.indices { encodings[index].overflow[part].trim(trimming) }
    }
  }
}

extension Encoding {
  fileprivate mutating func surround(with first: Int32?, _ last: Int32, type: Int32, setsType: Bool = false) {
    func around(_ encoding: Encoding) -> Encoding {
      var inner = encoding
      inner.overflow = []
      if setsType { inner.setType(type) }
      inner.specialTokensMask = Array(repeating: 0, count: inner.count)
      inner.attentionMask = Array(repeating: 1, count: inner.count)
      var whole = Encoding(special: first.map { [$0] } ?? [], type: type)
      whole.append(inner)
      whole.append(Encoding(special: [last], type: type))
      return whole
    }
    let parts = overflow.map(around)
    self = around(self)
    overflow = parts
  }

  fileprivate mutating func trim(_ trimming: PostProcessor.Trimming) {
    for index in places.indices where edges[index] != 0 {
      var leading = Int(edges[index] >> 16)
      let trailing = Int(edges[index] & 0xFFFF)
      if leading > 0 {
        if index == 0 || places[index].start == 0, trimming.addsPrefixSpace, leading == 1 { leading = 0 }
        places[index].start = min(places[index].start + leading, places[index].end)
      }
      if trailing > 0, places[index].end >= trailing {
        places[index].end = max(places[index].end - trailing, places[index].start)
      }
    }
  }
}
