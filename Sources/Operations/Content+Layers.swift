import Formats

extension TensorEntry {
  /// The same tensor under another name.
  public func renamed(_ name: String) -> TensorEntry {
    TensorEntry(name, dtype: dtype, shape: shape, digest: digest, file: file, runs: runs, load: load)
  }
}

extension TensorName {
  /// The name that the same tensor has in another layer.
  public func inLayer(_ number: Int) -> String {
    guard let layer else { return text }
    var parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard let place = parts.firstIndex(where: { Int($0) == layer }) else { return text }
    parts[place] = String(number)
    return parts.joined(separator: ".")
  }
}

extension Content {
  /// The numbers of a model's layers, in order.
  public var layers: [Int] { Set(TensorName.all(self).compactMap(\.layer)).sorted() }

  /// Some layers of a model, numbered anew from 0, with all that stands before and after the layers. Nothing is read.
  /// - Parameter numbers: Each a layer of the model.
  public func taking(layers numbers: Range<Int>) -> Content {
    var result = self
    result.tensors = zip(tensors, TensorName.all(self)).compactMap { entry, name in
      guard let layer = name.layer else { return entry }
      return numbers.contains(layer) ? entry.renamed(name.inLayer(layer - numbers.lowerBound)) : nil
    }
    result.facts = LayerFacts(self).facts(keeping: Array(numbers))
    return result
  }

  /// The layers of several models, one model's after another's. What stands before the layers, the configuration and the
  /// files are the first's, what stands after them is the last's. Nothing is read.
  public static func stacking(_ contents: [Content]) -> Content {
    guard var result = contents.first, let last = contents.last else {
      preconditionFailure("there is nothing to stack")
    }
    var tensors: [TensorEntry] = []
    var height = 0
    var facts: [LayerFacts] = []
    for content in contents {
      let names = TensorName.all(content)
      for (entry, name) in zip(content.tensors, names) {
        guard let layer = name.layer else { continue }
        tensors.append(entry.renamed(name.inLayer(height + layer)))
      }
      height += (names.compactMap(\.layer).max() ?? -1) + 1
      facts.append(LayerFacts(content))
    }
    let before = zip(result.tensors, TensorName.all(result)).filter { $0.1.stands(before: true) }.map(\.0)
    let after = zip(last.tensors, TensorName.all(last)).filter { $0.1.stands(before: false) }.map(\.0)
    result.tensors = before + tensors + after
    result.facts = facts.dropFirst().reduce(facts[0]) { $0.followed(by: $1) }.facts
    return result
  }
}

extension TensorName {
  fileprivate func stands(before: Bool) -> Bool {
    switch role {
    case .embedding, .beforeLayers: before
    case .layer: false
    case .afterLayers, .head, .other: !before
    }
  }
}

/// What a configuration says of a model's layers: how many there are, and lists with something for each.
struct LayerFacts {
  let facts: JSON
  private let count: Int
  /// Where the number stands; nil where the configuration does not say it.
  private let path: [String]?

  init(_ content: Content) {
    facts = content.facts
    count = content.layers.count
    let names = TensorName.all(content)
    let known = ModelFamily.known(config: content.facts, tensors: names.map(\.text))
    // Of several parts, the one whose layers are there.
    let part = names.first { $0.layer != nil }.flatMap { known?.part(of: $0.text) } ?? 0
    let paths =
      [known?.parts[part].layerCount].compactMap { $0 } + ["num_hidden_layers", "n_layer", "num_layers", "n_layers"]
    path = paths.map { $0.split(separator: ".").map(String.init) }.first { content.facts[path: $0]?.integer != nil }
  }

  private init(facts: JSON, count: Int, path: [String]?) {
    self.facts = facts
    self.count = count
    self.path = path
  }

  func facts(keeping layers: [Int]) -> JSON {
    changed(count: layers.count) { list in layers.map { list[$0] } }.facts
  }

  func followed(by next: LayerFacts) -> LayerFacts {
    let others = next.parent
    return changed(count: count + next.count) { list, name in
      guard let more = others[name]?.array, more.count == next.count else { return list }
      return list + more
    }
  }

  /// Another model's configuration, saying of these layers what this one says.
  func stated(in other: JSON) -> JSON {
    guard count > 0, let path, let name = path.last, let place = other[path: path.dropLast()], place.object != nil
    else {
      return other
    }
    let lists = (parent.object ?? []).filter { $0.value.array?.count == count && $0.name.contains("layer") }
    let stated = lists.reduce(place.setting(name, to: .integer(count))) { $0.setting($1.name, to: $1.value) }
    return other.setting(path: path.dropLast(), to: stated)
  }

  /// The object that the number of layers stands in.
  private var parent: JSON { path.flatMap { facts[path: $0.dropLast()] } ?? facts }

  private func changed(count new: Int, _ change: ([JSON]) -> [JSON]) -> LayerFacts {
    changed(count: new) { list, _ in change(list) }
  }

  private func changed(count new: Int, _ change: ([JSON], String) -> [JSON]) -> LayerFacts {
    guard let path, let name = path.last else { return LayerFacts(facts: facts, count: new, path: nil) }
    var parent = parent.setting(name, to: .integer(new))
    for member in parent.object ?? [] {
      // Such as `layer_types`.
      guard let list = member.value.array, list.count == count, member.name.contains("layer") else { continue }
      parent = parent.setting(member.name, to: .array(change(list, member.name)))
    }
    return LayerFacts(facts: facts.setting(path: path.dropLast(), to: parent), count: new, path: path)
  }
}

extension JSON {
  fileprivate subscript(path path: some Collection<String>) -> JSON? {
    path.reduce(Optional(self)) { $0?[$1] }
  }

  fileprivate func setting(path: some Collection<String>, to value: JSON) -> JSON {
    guard let first = path.first else { return value }
    return setting(first, to: (self[first] ?? .object([])).setting(path: path.dropFirst(), to: value))
  }
}
