import Diagnostics
import Operations
import Recipes
import Tensors

/// Whether the models that a step merges can have a common parent: weights of models that were trained apart stand at right
/// angles, and averaging those destroys them.
struct ParentCheck {
  /// Below this, models are taken for strangers; fine-tunes of one parent have a cosine of nearly 1.
  private static let leastCosine = 0.2
  /// Entries below which a cosine says nothing.
  private static let fewestEntries = 4096
  private static let matrices = 8

  /// The models, each as the step calls it.
  private let models: [Content]

  init(_ binding: StepBinding) {
    let isMerge = binding.entry.signature.output == .checkpoint
    models = isMerge ? binding.operation.inputs.flatMap { $0.contents }.filter { $0.kind == .checkpoint } : []
  }

  /// A warning where two models look like strangers; nil too where they are not there yet to be looked at.
  /// - Throws: `OperationError` where they cannot be read.
  func warning(at origin: StepOrigin) throws -> Diagnostic? {
    guard models.count > 1 else { return nil }
    if let (a, b) = differentTokenizers() {
      return Diagnostic(
        .warning, "`\(origin.label)` merges models with different tokenizers", at: origin.place, label: "this step",
        notes: [
          "`tokenizer.json` of `\(a)` and of `\(b)` differ, so a row of the embeddings means another token in each"
        ],
        helps: ["bring them to one vocabulary first, or leave the embeddings to the first model"])
    }
    for other in models.dropFirst() {
      guard let cosine = try cosine(models[0], other), cosine < Self.leastCosine else { continue }
      let figure = (cosine * 1000).rounded() / 1000
      return Diagnostic(
        .warning, "`\(origin.label)` merges models that do not look like children of one parent", at: origin.place,
        label: "this step",
        notes: [
          "the cosine of the weights of `\(models[0].label)` and `\(other.label)` is \(figure)",
          "it is near 1 for fine-tunes of one model; others lose what they know when they are averaged",
        ])
    }
    return nil
  }

  private func differentTokenizers() -> (String, String)? {
    let tokenizers = models.compactMap { model in
      model.files.first { $0.name == "tokenizer.json" }.map { (label: model.label, bytes: $0.bytes) }
    }
    guard let first = tokenizers.first, let other = tokenizers.first(where: { $0.bytes != first.bytes }) else {
      return nil
    }
    return (first.label, other.label)
  }

  /// The mean cosine of some of the largest matrices, of each a run of entries.
  private func cosine(_ a: Content, _ b: Content) throws -> Double? {
    let largest = a.tensors.filter { $0.shape.rank == 2 && $0.dtype.hasKernels }
      .sorted { $0.shape.count > $1.shape.count }.prefix(Self.matrices)
    var cosines: [Double] = []
    var entries = 0
    for entry in largest {
      guard let other = b.entry(entry.name), other.shape == entry.shape, other.dtype.hasKernels,
        let first = try entry.run(ofAtMost: TensorEntry.runLength),
        let second = try other.run(ofAtMost: TensorEntry.runLength)
      else { continue }
      let gram = Tensor.gram([first, second])
      let lengths = gram.norm(0) * gram.norm(1)
      guard lengths > 0 else { continue }
      cosines.append(gram[0, 1] / lengths)
      entries += first.count
    }
    guard entries >= Self.fewestEntries else { return nil }
    return cosines.reduce(0, +) / Double(cosines.count)
  }
}

extension TensorEntry {
  /// The first entries; nil where they are not there to be read alone.
  fileprivate func run(ofAtMost limit: Int) throws -> Tensor? {
    guard let read = try runs() else { return nil }
    let count = min(limit, shape.count)
    let buffer = try Buffer(count: count * dtype.size) { try read(0..<count, $0) }
    return Tensor(dtype: dtype, shape: [count], buffer: buffer)
  }
}
