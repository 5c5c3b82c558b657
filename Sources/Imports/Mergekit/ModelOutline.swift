import Diagnostics
import Formats
import Operations
import Tensors

/// What is known of a model before anything is read of it but its headers.
struct ModelOutline: Sendable {
  /// The model without bytes.
  private let content: Content
  /// As operations see them, in the model's order.
  let tensors: [TensorName]
  /// The bytes of the files that its tokenizer is made of, by name.
  let tokenizer: [String: [UInt8]]
  let chatTemplate: String?
  /// How many layers each of its stacks has, by what the names of the stack's tensors begin with.
  let stacks: [String: Int]

  private static let tokenizerFiles: Set<String> = [
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "spiece.model",
    "sentencepiece.bpe.model",
  ]

  /// - Throws: `OperationError` where a file of it cannot be read.
  init(_ folder: ModelFolder) throws {
    var tokenizer: [String: [UInt8]] = [:]
    for path in folder.sideFiles {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      if Self.tokenizerFiles.contains(name) { tokenizer[name] = try File.contents(of: path) }
    }
    var content = Content(.checkpoint, facts: folder.config)
    content.tensors = folder.entries.map { TensorEntry(foreseen: $0.name, dtype: $0.dtype, shape: $0.shape) }
    let template = try ChatTemplate.text { name in
      try folder.sideFiles.first { $0.hasSuffix("/" + name) }.map { try File.contents(of: $0) }
    }
    self.init(content, tokenizer: tokenizer, chatTemplate: template)
  }

  private init(_ content: Content, tokenizer: [String: [UInt8]], chatTemplate: String?) {
    self.content = content
    self.tokenizer = tokenizer
    self.chatTemplate = chatTemplate
    tensors = TensorName.all(content)
    stacks = tensors.reduce(into: [:]) { stacks, tensor in
      guard let layer = tensor.layer, let stack = tensor.stack else { return }
      stacks[stack] = max(stacks[stack] ?? 0, layer + 1)
    }
  }

  private func with(_ content: Content) -> ModelOutline {
    ModelOutline(content, tokenizer: tokenizer, chatTemplate: chatTemplate)
  }

  /// What its floats are stored as.
  var precisions: Set<DType> { Set(content.tensors.map(\.dtype).filter(\.isFloat)) }

  /// How many layers it has; none where it has none, or several stacks of them.
  var layerCount: Int? { stacks.count == 1 ? stacks.first?.value : nil }

  /// The depth that mergekit takes a tensor to be at: from 0 for the first layer of its stack to 1 for the last, 1 where there is
  /// only one layer, and 0 for all that stands before or after the layers.
  func depth(of tensor: TensorName) -> Double {
    guard let layer = tensor.layer, let count = tensor.stack.flatMap({ stacks[$0] }) else { return 0 }
    return count == 1 ? 1 : Double(layer) / Double(count - 1)
  }

  /// The model with some of its layers, as `layers` takes them.
  func taking(_ layers: Range<Int>) -> ModelOutline {
    with(content.taking(layers: layers))
  }

  /// The model with its floats rounded.
  func rounded(to dtype: DType) -> ModelOutline {
    var content = content
    content.tensors = content.tensors.map { entry in
      TensorEntry(foreseen: entry.name, dtype: entry.dtype.isFloat ? dtype : entry.dtype, shape: entry.shape)
    }
    return with(content)
  }

  /// The parts that it has tensors of.
  var parts: [String] { content.parts }

  /// One of its parts, as `part` takes it.
  func taking(part: String) -> ModelOutline { with(content.taking(part: part)) }

  /// Several parts, as `join` puts them together.
  static func joining(_ outlines: [ModelOutline]) -> ModelOutline? {
    outlines.first.map { $0.with(.joining(outlines.map(\.content))) }
  }

  /// The layers of several, as `stack` puts them on one another.
  static func stacking(_ outlines: [ModelOutline]) -> ModelOutline? {
    outlines.first.map { $0.with(.stacking(outlines.map(\.content))) }
  }
}
