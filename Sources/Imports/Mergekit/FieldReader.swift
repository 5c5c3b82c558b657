import Diagnostics

/// Reads a mapping key by key and says which keys mean nothing.
struct FieldReader {
  let node: YAMLNode
  let keyPlace: KeyPlace
  private let members: [YAMLMember]

  /// - Returns: nil where the node is no mapping, which is reported.
  init?(_ node: YAMLNode, _ keyPlace: KeyPlace, _ diagnostics: inout [Diagnostic]) {
    guard let members = node.mapping else {
      diagnostics.append(.wrongKind(node, wanted: "\(keyPlace.text) is a mapping", at: node.place))
      return nil
    }
    self.node = node
    self.keyPlace = keyPlace
    self.members = members
    diagnostics += members.filter { !keyPlace.keys.contains($0.key) }.map { .unknownKey($0, in: keyPlace) }
  }

  func member(_ key: String) -> YAMLMember? { members.first { $0.key == key } }

  /// A value that is there and not null.
  subscript(key: String) -> YAMLNode? {
    precondition(keyPlace.keys.contains(key), "`\(key)` is a key of \(keyPlace.text)")
    return member(key).flatMap { $0.value.isNull ? nil : $0.value }
  }

  /// A text that is there; reports anything else.
  func text(_ key: String, _ diagnostics: inout [Diagnostic]) -> Located<String>? {
    guard let value = self[key] else { return nil }
    guard let scalar = value.scalar, case .text = scalar.value else {
      diagnostics.append(.wrongKind(value, wanted: "`\(key)` is a text", at: value.place))
      return nil
    }
    return Located(value: scalar.text, place: value.place)
  }

  /// A list that is there and not empty; reports anything else that is there.
  func list(_ key: String, _ diagnostics: inout [Diagnostic]) -> [YAMLNode] {
    guard let value = self[key] else { return [] }
    guard let nodes = value.sequence else {
      diagnostics.append(.wrongKind(value, wanted: "`\(key)` is a list", at: value.place))
      return []
    }
    return nodes
  }
}
