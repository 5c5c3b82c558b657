import Formats

/// A tensor's name, and where in the depth of its model it stands.
public struct TensorName: Sendable, Hashable, CustomStringConvertible {
  public let text: String
  public let role: TensorRole
  /// How far down its stack of layers it stands: 0 for the first layer and all before it, 1 for the last and all after it.
  public let depth: Double

  public init(_ text: String, role: TensorRole = .other, depth: Double = 0) {
    self.text = text
    self.role = role
    self.depth = depth
  }

  /// The number of its layer; none for what stands before or after all layers.
  public var layer: Int? { if case .layer(let number) = role { number } else { nil } }

  /// What stands before its layer's number: `model.layers`.
  public var stack: String? {
    guard let layer else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    return parts.firstIndex { Int($0) == layer }.map { parts[..<$0].joined(separator: ".") }
  }

  public var description: String { text }
}

extension TensorName {
  /// The tensors of a model, as its family calls them, else as their names suggest.
  public static func all(_ content: Content) -> [TensorName] {
    all(content.tensors.map(\.name), config: content.facts)
  }

  /// The tensors of a model with these names and this configuration, as its family calls them, else as their names suggest.
  public static func all(_ names: [String], config: JSON) -> [TensorName] {
    ModelFamily.known(config: config, tensors: names).map { all(names, in: $0) } ?? all(names)
  }

  private static func all(_ names: [String], in family: ModelFamily) -> [TensorName] {
    let parts = names.map(family.part)
    let roles = names.map(family.role)
    var last: [Int?: Int] = [:]
    for case (let part, .layer(let number)) in zip(parts, roles) { last[part] = max(last[part] ?? 0, number) }
    return zip(names.indices, names).map { index, name in
      TensorName(name, role: roles[index], depth: depth(roles[index], last: last[parts[index]] ?? 0))
    }
  }

  private static func depth(_ role: TensorRole, last: Int) -> Double {
    switch role {
    case .embedding, .beforeLayers: 0
    case .layer(let number): last == 0 ? 0 : Double(number) / Double(last)
    case .afterLayers, .head, .other: 1
    }
  }

  /// The tensors of a model of which nothing but their names is known. A layer's number is the first part of a name that is
  /// a whole number.
  public static func all(_ names: [String]) -> [TensorName] {
    let layers = names.map(layerNumber)
    let last = layers.compactMap { $0 }.max() ?? 0
    let seenLayer = layers.firstIndex { $0 != nil } ?? names.count
    return zip(names.indices, names).map { index, name in
      let isHead = name.contains("head") || name.hasPrefix("output.") || name.hasPrefix("classifier.")
      let role: TensorRole =
        if let layer = layers[index] { .layer(layer) } else if name.contains("embed") || name.contains("wte") {
          name.contains("position") || !name.hasSuffix("weight") ? .beforeLayers : .embedding
        } else if isHead { name.hasPrefix("lm_head.") ? .head : .afterLayers } else {
          index < seenLayer ? .beforeLayers : .afterLayers
        }
      return TensorName(name, role: role, depth: depth(role, last: last))
    }
  }

  private static func layerNumber(_ name: String) -> Int? {
    name.split(separator: ".").lazy.compactMap { part in
      part.allSatisfy(\.isNumber) ? Int(part) : nil
    }.first
  }
}
