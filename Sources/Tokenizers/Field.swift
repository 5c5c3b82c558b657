import Diagnostics
import Formats

/// A value of `tokenizer.json` and its place, for what is said when it is not as it should be.
struct Field {
  let value: JSON
  /// `model.merges[3]`; empty for the whole.
  let place: String
  /// What errors call the file, backticks and all.
  let file: String

  func fault(_ text: String) -> OperationError {
    let subject = place.isEmpty ? "it" : "`\(place)`"
    return OperationError(.data, "\(file) cannot be used as a tokenizer: \(subject) \(text)")
  }

  /// The member, null where it is missing.
  subscript(name: String) -> Field {
    Field(value: value[name] ?? .null, place: place.isEmpty ? name : "\(place).\(name)", file: file)
  }

  var isNull: Bool { value == .null }

  func object() throws -> [JSON.Member] {
    guard let members = value.object else { throw fault("is not an object") }
    return members
  }

  func elements() throws -> [Field] {
    guard let values = value.array else { throw fault("is not an array") }
    return values.enumerated().map { Field(value: $1, place: "\(place)[\($0)]", file: file) }
  }

  func text() throws -> String {
    guard let text = value.string else { throw fault("is not a text") }
    return text
  }

  /// The UTF-8 of a text.
  func bytes() throws -> [UInt8] { Array(try text().utf8) }

  func flag() throws -> Bool {
    guard let flag = value.bool else { throw fault("is neither true nor false") }
    return flag
  }

  /// A flag that may be missing.
  func flag(default flag: Bool) throws -> Bool { isNull ? flag : try self.flag() }

  /// A number that is not negative.
  func count() throws -> Int {
    guard let number = value.integer, number >= 0 else { throw fault("is not a whole number from 0") }
    return number
  }

  /// The number of a token.
  func id() throws -> Int32 {
    guard let number = value.integer, number >= 0, number < Int(Int32.max) else {
      throw fault("is not the number of a token, a whole number from 0 below \(Int32.max)")
    }
    return Int32(number)
  }

  func scalar() throws -> UInt32 {
    let scalars = try text().unicodeScalars
    guard let first = scalars.first, scalars.count == 1 else { throw fault("is not one character") }
    return first.value
  }

  /// One of the names that an enumeration has.
  func name<Name: RawRepresentable & CaseIterable>(_: Name.Type) throws -> Name where Name.RawValue == String {
    let text = try text()
    guard let name = Name(rawValue: text) else {
      throw fault("is `\(text)`, and known are \(Name.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))")
    }
    return name
  }

  /// `{"String": …}` or `{"Regex": …}`.
  func pattern() throws -> Pattern {
    if let text = value["String"]?.string { return Pattern(literal: text) }
    let regex = self["Regex"]
    let text = try regex.text()
    do {
      return try Pattern(text)
    } catch {
      throw regex.fault("is `\(text)`, which cannot be searched for: \(error.message)")
    }
  }
}
