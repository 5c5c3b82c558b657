/// A tensor's name, and where in the depth of its model it stands.
public struct TensorName: Sendable, Hashable, CustomStringConvertible {
  public let text: String
  /// The number of its layer; none for what stands before or after all layers.
  public let layer: Int?
  /// How far down the model it stands: 0 for the first layer and all before it, 1 for the last and all after it.
  public let depth: Double

  public init(_ text: String, layer: Int? = nil, depth: Double = 0) {
    self.text = text
    self.layer = layer
    self.depth = depth
  }

  public var description: String { text }

  /// Names each tensor of a model. A layer's number is the first part of the name that is a whole number.
  public static func all(_ names: [String]) -> [TensorName] {
    let layers = names.map(layerNumber)
    let last = layers.compactMap { $0 }.max() ?? 0
    let seenLayer = layers.firstIndex { $0 != nil } ?? names.count
    return zip(names.indices, names).map { index, name in
      let depth: Double
      if let layer = layers[index] {
        depth = last == 0 ? 0 : Double(layer) / Double(last)
      } else {
        depth = name.contains("embed") || index < seenLayer && !name.contains("head") ? 0 : 1
      }
      return TensorName(name, layer: layers[index], depth: depth)
    }
  }

  private static func layerNumber(_ name: String) -> Int? {
    name.split(separator: ".").lazy.compactMap { part in
      part.allSatisfy(\.isNumber) ? Int(part) : nil
    }.first
  }
}
