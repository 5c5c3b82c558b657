import Diagnostics
import Models
import Networks
import Operations
import Tensors

/// The rows of routers that begin from prompts, as `mergekit-moe` makes them.
///
/// For an expert with the prompts P and the negative prompts N, its row in a layer is r / ‖r‖ where
/// - `.hidden` and `.hidden_mean`: r = mean of v(p) over P − mean of v(p) over N, with v(p) what goes into the layer at the last token
///   of p, or its mean over all tokens;
/// - `.embedding`: r = u(P) − u(N), with u the sum of the embeddings of all tokens of all prompts, divided by its length. It is the
///   same in all layers.
///
/// A length below 10⁻⁸ counts as that. A prompt's tokens are those of its text after that of the token that begins texts, where the
/// tokenizer's configuration names one; no template puts any around it. All but the network is worked out in float64.
struct PromptRouters {
  private let model: RunnableModel
  private let gate: Moe.Gate
  /// For each expert which examples of `data` are its prompts, and which its negative ones.
  private let experts: [(positive: [Int], negative: [Int])]
  /// Each prompt once, however many experts have it, so that equal ones count the same to the last bit.
  private let data: ModelData

  /// - Throws: `OperationError` where the model has no tokenizer or is of a kind that is not run, or a prompt does not fit it.
  init(_ experts: [RouterPrompts.Expert], _ gate: Moe.Gate, of base: Checkpoint) throws {
    model = try RunnableModel(base, head: Head.none)
    self.gate = gate
    var texts: [String] = []
    var numbers: [[UInt8]: Int] = [:]
    func number(_ text: String) -> Int {
      if let known = numbers[Array(text.utf8)] { return known }
      numbers[Array(text.utf8)] = texts.count
      texts.append(text)
      return texts.count - 1
    }
    self.experts = experts.map { ($0.positive.map(number), $0.negative.map(number)) }
    let beginning = try TokenMeanings.specials(of: base.content).first { $0.kind == "bos_token" }?.text ?? ""
    data = try ModelData(prompts: texts, after: beginning, for: model)
  }

  /// How many layers have a router.
  var layers: Int { model.blueprint.blocks }

  func memory() -> Int {
    guard gate == .embedding else { return (16 << 20) + model.memoryOfBlocks(of: data) }
    return (16 << 20) + (embeddings?.byteCount ?? 0)
  }

  /// For each layer the row of each expert.
  func rows(_ context: Context) throws -> [[[Double]]] {
    guard gate != .embedding else {
      let rows = rows(of: try sumsOfEmbeddings(), { Self.unit(Self.sum($0)) })
      return Array(repeating: rows, count: layers)
    }
    var result: [[[Double]]] = []
    try model.forEachBlock(of: data, context) { block, inputs in
      let rows = rows(of: try vectors(inputs, block), Self.mean)
      result.append(rows)
      context.progress(block + 1, of: layers, "layers", figure: Self.condition(of: rows))
    }
    return result
  }

  /// - Parameter together: What many vectors become.
  private func rows(of vectors: [[Double]], _ together: ([[Double]]) -> [Double]) -> [[Double]] {
    experts.map { expert in
      let positive = together(expert.positive.map { vectors[$0] })
      guard !expert.negative.isEmpty else { return Self.unit(positive) }
      let negative = together(expert.negative.map { vectors[$0] })
      return Self.unit(zip(positive, negative).map { $0 - $1 })
    }
  }

  // MARK: A vector for each prompt

  /// What goes into a layer, at the last token of each prompt or as the mean over all its tokens.
  private func vectors(_ inputs: [BlockInput], _ layer: Int) throws -> [[Double]] {
    var vectors = [[Double]](repeating: [], count: data.count)
    for (rows, texts, input) in inputs {
      let (entries, width) = (input.entries, input.shape[2])
      for (index, row) in rows.enumerated() {
        let count = texts.counts[index]
        let places = (gate == .hidden ? count - 1 : 0)..<count
        vectors[row] = Self.mean(
          places.map { place in
            let start = (index * texts.length + place) * width
            return entries[start..<start + width].map(Double.init)
          })
        guard vectors[row].allSatisfy(\.isFinite) else {
          throw OperationError(.step, "what goes into layer \(layer) of `\(model.label)` is too large for float32")
        }
      }
    }
    return vectors
  }

  /// The sum of the embeddings of each prompt's tokens.
  private func sumsOfEmbeddings() throws -> [[Double]] {
    guard let name = embeddings?.name else { preconditionFailure("a network that reads texts has embeddings") }
    let table = try model.content.finiteTensor(name)
    return (0..<data.count).map { row in
      let tokens = data.tokens(row)
      let (entries, width) = (table.gatheringRows(tokens).doubles, table.shape[1])
      return Self.sum(tokens.indices.map { Array(entries[$0 * width..<($0 + 1) * width]) })
    }
  }

  private var embeddings: TensorEntry? { model.blueprint.embeddings.first.flatMap { model.content.entry($0.weight) } }

  // MARK: Vectors

  private static func sum(_ vectors: [[Double]]) -> [Double] {
    vectors.dropFirst().reduce(vectors[0]) { sum, vector in zip(sum, vector).map { $0 + $1 } }
  }

  private static func mean(_ vectors: [[Double]]) -> [Double] { sum(vectors).map { $0 / Double(vectors.count) } }

  private static func unit(_ vector: [Double]) -> [Double] {
    let length = max(vector.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-8)
    return vector.map { $0 / length }
  }

  /// How much alike the rows are: the largest singular value over the smallest. Nil where that is no number.
  private static func condition(of rows: [[Double]]) -> Context.Figure? {
    let matrix = DoubleMatrix(rows: rows.count, columns: rows[0].count, Array(rows.joined()))
    guard let values = SingularValues(matrix)?.values, let largest = values.first, let smallest = values.last,
      smallest > 0
    else { return nil }
    return Context.Figure("condition", largest / smallest)
  }
}
