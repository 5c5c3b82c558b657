import Diagnostics
import Formats
import Operations
import Tensors

/// What is known of a model before anything is read of it but its headers.
struct ModelOutline: Sendable {
  /// As operations see them, in the model's order.
  let tensors: [TensorName]
  /// What its floats are stored as.
  let precisions: Set<DType>
  /// The bytes of the files that its tokenizer is made of, by name.
  let tokenizer: [String: [UInt8]]
  /// How many layers each of its stacks has, by what the names of the stack's tensors begin with.
  let stacks: [String: Int]
  private let config: JSON

  private static let tokenizerFiles: Set<String> = [
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "spiece.model",
    "sentencepiece.bpe.model",
  ]

  /// - Throws: `OperationError` where it is not there, or is not what it claims to be.
  init(_ folder: ModelFolder) throws {
    let floats = folder.entries.map(\.dtype).filter(\.isFloat)
    var tokenizer: [String: [UInt8]] = [:]
    for path in folder.sideFiles {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      if Self.tokenizerFiles.contains(name) { tokenizer[name] = try File.contents(of: path) }
    }
    self.init(
      names: folder.entries.map(\.name), precisions: Set(floats), tokenizer: tokenizer, config: folder.config)
  }

  private init(names: [String], precisions: Set<DType>, tokenizer: [String: [UInt8]], config: JSON) {
    var content = Content(.checkpoint, facts: config)
    content.tensors = names.map { TensorEntry(foreseen: $0, dtype: .f32, shape: []) }
    tensors = TensorName.all(content)
    self.precisions = precisions
    self.tokenizer = tokenizer
    self.config = config
    stacks = tensors.reduce(into: [:]) { stacks, tensor in
      guard let layer = tensor.layer, let stack = tensor.stack else { return }
      stacks[stack] = max(stacks[stack] ?? 0, layer + 1)
    }
  }

  /// How many layers it has; none where it has none, or several stacks of them.
  var layerCount: Int? { stacks.count == 1 ? stacks.first?.value : nil }

  /// The depth that mergekit takes a tensor to be at: from 0 for the first layer of its stack to 1 for the last, 1 where there is
  /// only one layer, and 0 for all that stands before or after the layers.
  func depth(of tensor: TensorName) -> Double {
    guard let layer = tensor.layer, let count = tensor.stack.flatMap({ stacks[$0] }) else { return 0 }
    return count == 1 ? 1 : Double(layer) / Double(count - 1)
  }

  /// The model with some of its layers, which are numbered from 0.
  func slice(_ layers: Range<Int>) -> ModelOutline {
    let names = tensors.compactMap { tensor -> String? in
      guard let layer = tensor.layer else { return tensor.text }
      return layers.contains(layer) ? tensor.renumbered(layer - layers.lowerBound) : nil
    }
    return ModelOutline(names: names, precisions: precisions, tokenizer: tokenizer, config: config)
  }

  /// The layers of several, one after another, between what stands before those of the first and after those of the last.
  static func stack(_ outlines: [ModelOutline]) -> ModelOutline? {
    guard let first = outlines.first, let last = outlines.last else { return nil }
    var names = first.tensors.filter { $0.layer == nil && $0.depth == 0 }.map(\.text)
    var start = 0
    for outline in outlines {
      names += outline.tensors.compactMap { tensor in tensor.layer.map { tensor.renumbered(start + $0) } }
      start += outline.layerCount ?? 0
    }
    names += last.tensors.filter { $0.layer == nil && $0.depth != 0 }.map(\.text)
    return ModelOutline(names: names, precisions: first.precisions, tokenizer: first.tokenizer, config: first.config)
  }
}

extension TensorName {
  /// What stands before its layer's number: `model.layers`.
  var stack: String? { layerComponent.map { $0.parts[..<$0.index].joined(separator: ".") } }

  /// The name in another layer.
  func renumbered(_ number: Int) -> String {
    guard let (parts, index) = layerComponent else { return text }
    return (parts[..<index] + [Substring(String(number))] + parts[(index + 1)...]).joined(separator: ".")
  }

  private var layerComponent: (parts: [Substring], index: Int)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let layer, let index = parts.firstIndex(where: { $0 == String(layer) }) else { return nil }
    return (parts, index)
  }
}
