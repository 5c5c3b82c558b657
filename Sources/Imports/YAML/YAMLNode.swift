import Diagnostics

/// A value of a YAML file, and where it stands.
public struct YAMLNode: Sendable {
  public enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping([YAMLMember])
  }

  public let content: Content
  public let place: Place

  public init(_ content: Content, at place: Place) {
    self.content = content
    self.place = place
  }

  /// The same value where another node stands for it.
  func moved(to place: Place) -> YAMLNode { YAMLNode(content, at: place) }

  public var scalar: YAMLScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
  public var sequence: [YAMLNode]? { if case .sequence(let nodes) = content { nodes } else { nil } }
  public var mapping: [YAMLMember]? { if case .mapping(let members) = content { members } else { nil } }

  public var isNull: Bool { scalar?.value == .null }

  /// What it is, with its article, as messages say it.
  public var kind: String {
    switch content {
    case .scalar(let scalar): scalar.kind
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  /// How many values it is made of, itself among them.
  var size: Int {
    switch content {
    case .scalar: 1
    case .sequence(let nodes): nodes.reduce(1) { $0 + $1.size }
    case .mapping(let members): members.reduce(1) { $0 + 1 + $1.value.size }
    }
  }
}

/// A key and its value.
public struct YAMLMember: Sendable {
  public let key: String
  public let keyPlace: Place
  public let value: YAMLNode

  public init(key: String, keyPlace: Place, value: YAMLNode) {
    self.key = key
    self.keyPlace = keyPlace
    self.value = value
  }
}
