import Formats
import Operations

/// What mergekit takes the tensors of a model for: by it, settings change with depth and vocabularies are found.
struct ModelStructure {
  private let family: ModelFamily?
  private let names: [TensorName]

  init(_ config: JSON, tensors: [String]) {
    family = ModelFamily.known(config: config, tensors: tensors)
    names = TensorName.all(tensors, config: config)
  }

  /// `family`, `layers` and so on, each with its text; none for a model without layers.
  var lines: [(name: String, text: String)] {
    guard !names.isEmpty else { return [] }
    var lines = [("family", familyText), ("layers", layerText)]
    lines += [("embedding", \TensorRole.isEmbedding), ("head", \.isHead)].compactMap { name, role in
      let found = names.filter { $0.role[keyPath: role] }.map(\.text)
      return found.isEmpty ? nil : (name, found.joined(separator: ", "))
    }
    let others = names.filter { $0.role == .other }.map(\.text)
    if !others.isEmpty {
      let more = others.count > 3 ? " and \(others.count - 3) more" : ""
      lines.append(("unknown", others.prefix(3).joined(separator: ", ") + more + ": taken to stand after the layers"))
    }
    return lines
  }

  /// How many layers there are, in each of several stacks of them.
  private var layerText: String {
    var stacks: [(name: String, layers: Set<Int>)] = []
    for name in names {
      guard let layer = name.layer, let stack = name.stack else { continue }
      if let index = stacks.firstIndex(where: { $0.name == stack }) {
        stacks[index].layers.insert(layer)
      } else {
        stacks.append((stack, [layer]))
      }
    }
    if stacks.isEmpty { return "none" }
    if stacks.count == 1 { return "\(stacks[0].layers.count), called `\(stacks[0].name)`" }
    return stacks.map { "\($0.layers.count) in `\($0.name)`" }.joined(separator: ", ")
  }

  private var familyText: String {
    guard let family else { return "not known: layers, embedding and head are inferred from names" }
    return family.modelTypes[0]
      + (family.parts.count > 1 ? ", of " + family.parts.map(\.name).joined(separator: ", ") : "")
  }

  var json: JSON {
    [
      "family": family.map { .string($0.modelTypes[0]) } ?? .null,
      "layers": .integer(Set(names.compactMap(\.layer)).count),
      "embedding": .array(names.filter(\.role.isEmbedding).map { .string($0.text) }),
      "head": .array(names.filter(\.role.isHead).map { .string($0.text) }),
    ]
  }
}

extension TensorRole {
  fileprivate var isEmbedding: Bool { self == .embedding }
  fileprivate var isHead: Bool { self == .head }
}
