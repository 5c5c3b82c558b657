import Diagnostics
import Formats
import Operations
import Tensors

/// A model with another model's tokenizer (Goddard & Fernandes Neto 2025; what `mergekit-tokensurgeon` does).
struct Transplant: RecipeOperation {
  static let about = About(
    "transplant",
    "Give a model the tokenizer of another model, and rows for its tokens.",
    discussion: """
      Tokens that both have keep their rows. For any other the donor's row is written in the donor's rows of the shared \
      tokens, and the same sum of the model's own rows is taken: `.omp` chooses `k` of them by orthogonal matching pursuit, \
      `.nearest` takes the `k` nearest, weighted by nearness. Embeddings and head are done each by itself; a head that the \
      donor ties to its embeddings is those. Widths may differ, training need not.

      Tokens are the same if they stand for the same bytes, `▁a` and `Ġa`, `<0x0A>` and `Ċ`, if both configurations call \
      them `bos_token` and the like, or if they were added under one text. Rows without a token, which pad, are the mean of \
      the model's. `vocab_size` and the numbers of special tokens follow, in `config.json` and `generation_config.json`. \
      The sums are worked out in float64; which rows `.omp` takes can hang on the last bit where two fit alike.
      """,
    papers: [
      .init(
        "Goddard & Fernandes Neto 2025, Training-Free Tokenizer Transplantation via Orthogonal Matching Pursuit",
        arXiv: "2506.06607")
    ],
    cost:
      "O(new tokens × shared tokens × width × k) for `.omp`, once less for `.nearest`; all embeddings in memory, in float64",
    examples: [
      Example("By matching pursuit", "transplant(checkpoint(\"models/mistral\"), donor: checkpoint(\"models/qwen\"))"),
      Example(
        "By the four nearest",
        "transplant(checkpoint(\"models/mistral\"), donor: checkpoint(\"models/qwen\"), method: .nearest, k: 4)"),
    ])

  static let version = 2

  @Input("The model.")
  var model: Checkpoint
  @Input("The model whose tokenizer it gets.")
  var donor: Checkpoint
  @Param("What the rows of tokens are made of that the model lacks.")
  var method: Method = .omp
  @Param("How many shared tokens a new one is made of; fewer where fewer are shared.", in: 1...4096)
  var k: Int = 64
  @Param("Whether `.nearest` goes by the angle between rows instead of their distance.")
  var cosine: Bool = false
  @Param("What new rows are multiplied by.", in: 0...1_000)
  var scale: Double = 1
  @Param("What the number of rows is a multiple of.", in: 1...1_000_000)
  var multiple: Int? = nil
  @Param("Another seed gives other rows by `.random`.")
  var seed: Int = 0

  /// What new rows are made of.
  enum Method: String, Choice {
    case omp, nearest, mean, zero, random

    var text: String {
      switch self {
      case .omp: "Shared tokens found by orthogonal matching pursuit; mergekit's default."
      case .nearest: "The nearest shared tokens; mergekit's `common_interpolation`, weighted by distance."
      case .mean: "The mean of all rows of the model."
      case .zero: "Zeros."
      case .random: "Draws from the standard normal distribution; mergekit's `randn`."
      }
    }
  }

  func outline() throws -> Content? { try transplanted(nil) }

  /// Two tables in float64 while a third is made, and the products of some rows at a time.
  func memory() -> Int {
    let tables = [model, donor].flatMap { AlignedVocabulary.embeddings(of: $0.content) }
    return tables.isEmpty ? 0 : (16 << 20) + tables.reduce(0) { $0 + $1.shape.count * 16 }
  }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try transplanted(context)) }

  /// - Parameter context: Nil where the result is only foreseen.
  private func transplanted(_ context: Context?) throws -> Content {
    let (own, new) = (try TokenMeanings(of: model.content), try TokenMeanings(of: donor.content))
    let unit = multiple ?? 1
    let count = (new.vocabulary.count + unit - 1) / unit * unit
    let tables = Set(AlignedVocabulary.embeddings(of: model.content).map(\.name))
    guard !tables.isEmpty else {
      throw OperationError(.data, "`\(model.label)` has no embeddings that its tensors' names would show")
    }
    var result = model.content
    result.tensors = try zip(model.content.tensors, TensorName.all(model.content)).map { entry, name in
      guard tables.contains(entry.name) else { return entry }
      let grown = GrownTable(
        entry: entry, source: try source(for: name, entry), rows: count,
        places: new.vocabulary.tokens.filter { $0.id < count }.map { token in
          let own = own.match(token.text, of: new)
          return GrownTable.Place(id: token.id, own: own.flatMap { $0 < entry.shape[0] ? $0 : nil })
        })
      guard !grown.needsShared(by: method) || grown.hasShared else {
        throw OperationError(
          .data,
          "`\(model.label)` and `\(donor.label)` share no token, so no row of `\(name)` can be made of shared ones",
          helps: ["`method: .mean` needs none"])
      }
      guard let context else { return TensorEntry(foreseen: entry.name, dtype: entry.dtype, shape: grown.shape) }
      return TensorEntry(entry.name, dtype: entry.dtype, shape: grown.shape) {
        try context.checkCancelled()
        return try table(grown, context)
      }
    }
    let ids = specialNumbers(new)
    result.facts = AlignedVocabulary.settingSize(count, in: setting(ids, in: model.config))
    let others = model.content.files.filter { !AlignedVocabulary.isOfTokenizer($0.name) }
    result.files = try
      (others.map { try withNumbers(ids, $0) }
      + donor.content.files.filter { AlignedVocabulary.isOfTokenizer($0.name) }).sorted { $0.name < $1.name }
    return result
  }

  // MARK: Rows

  /// The donor's table that stands beside one of the model's; nil for what has one number a token.
  private func source(for name: TensorName, _ entry: TensorEntry) throws -> TensorEntry? {
    guard entry.shape.rank == 2 else { return nil }
    let named = zip(donor.content.tensors, TensorName.all(donor.content)).filter { $0.0.shape.rank == 2 }
    let found =
      named.first { $0.1.role == name.role } ?? (name.role == .head ? named.first { $0.1.role == .embedding } : nil)
    guard let found else {
      throw OperationError(
        .data,
        "`\(donor.label)` has no embeddings that its tensors' names would show, for `\(name)` of `\(model.label)`")
    }
    return found.0
  }

  private func table(_ grown: GrownTable, _ context: Context) throws -> Tensor {
    let own = try model.content.finiteTensor(grown.entry.name)
    let source = try grown.source.map { try donor.content.finiteTensor($0.name) }
    let new = try source.map { try rows(of: grown, own, $0, context) } ?? own.zeros(rows: grown.lacking.count)
    var plan = [RowSource](repeating: .meanOfRows(0..<own.shape[0], tensor: 0), count: grown.rows)
    for place in grown.places {
      if let row = place.own { plan[place.id] = .mean([.init(tensor: 0, row: row)]) }
    }
    for (index, id) in grown.lacking.enumerated() { plan[id] = .mean([.init(tensor: 1, row: index)]) }
    return Tensor.assembled(rows: plan, of: [own, new], as: grown.entry.dtype)
  }

  /// The rows of the tokens that the model lacks, in the order of their numbers.
  private func rows(of grown: GrownTable, _ own: Tensor, _ source: Tensor, _ context: Context) throws -> Tensor {
    let (lacking, width) = (grown.lacking, own.shape[1])
    let shape = Shape([lacking.count, width])
    switch method {
    case .zero: return own.zeros(rows: lacking.count)
    case .mean:
      return Tensor.weightedSum(
        [
          Tensor.assembled(
            rows: lacking.map { _ in .meanOfRows(0..<own.shape[0], tensor: 0) }, of: [own], as: .f32)
        ], weights: [scale])
    case .random:
      var generator = Generator(seed: seed, stream: "transplant", grown.entry.name)
      return Tensor(shape: shape) { for index in $0.indices { $0[index] = Float(scale * generator.gaussian()) } }
    case .omp, .nearest:
      let shared = grown.shared
      let points = source.matrix(ofRows: shared.map(\.id))
      let ownRows = own.matrix(ofRows: shared.compactMap(\.own))
      let batches = stride(from: 0, to: lacking.count, by: 64).map { $0..<min($0 + 64, lacking.count) }
      let made = try context.map(batches) { batch in
        let targets = source.matrix(ofRows: Array(lacking[batch]))
        let sums =
          method == .omp
          ? RowCombination.matchingPursuit(targets, by: points, terms: k)
          : RowCombination.nearest(targets, among: points, count: k, isByAngle: cosine)
        return sums.flatMap { ownRows.sum($0, times: scale) }
      }
      return Tensor(Array(made.joined()), shape: shape)
    }
  }

  // MARK: Special tokens

  /// The numbers that the donor's special tokens have, by what configurations call them.
  private func specialNumbers(_ tokens: TokenMeanings) -> [(name: String, number: JSON)] {
    ["bos", "eos", "pad", "unk", "mask"].map { kind in
      let stated = donor.config["\(kind)_token_id"].flatMap { $0 == .null ? nil : $0 }
      return ("\(kind)_token_id", stated ?? tokens.special("\(kind)_token").map { .integer($0) } ?? .null)
    }
  }

  /// A configuration with these numbers, where the donor or the configuration has them.
  private func setting(_ ids: [(name: String, number: JSON)], in config: JSON) -> JSON {
    ids.reduce(config) { config, id in
      id.number == .null && config[id.name] == nil ? config : config.setting(id.name, to: id.number)
    }
  }

  private func withNumbers(_ ids: [(name: String, number: JSON)], _ file: SideFile) throws -> SideFile {
    guard file.name == "generation_config.json" else { return file }
    guard let config = try? JSON(parsing: file.bytes), config.object != nil else {
      throw OperationError(.data, "`generation_config.json` of `\(model.label)` is not a JSON object")
    }
    let donors = donor.content.files.first { $0.name == file.name }.flatMap { try? JSON(parsing: $0.bytes) }
    let stated = ids.map { ($0.name, donors?[$0.name] ?? $0.number) }.map { (name: $0.0, number: $0.1) }
    return SideFile(file.name, Array((setting(stated, in: config).pretty).utf8))
  }
}

/// A table with a row for each token, on its way to another vocabulary.
private struct GrownTable {
  struct Place {
    /// The token's number in the new vocabulary.
    let id: Int
    /// Its row in the model, if it has one.
    let own: Int?
  }

  let entry: TensorEntry
  /// The donor's table; nil for what has one number a token.
  let source: TensorEntry?
  let rows: Int
  let places: [Place]
}

extension GrownTable {
  var shape: Shape { Shape([rows] + entry.shape.axes.dropFirst()) }

  /// How many tokens the donor has rows for.
  var known: Int { source?.shape[0] ?? rows }

  /// The tokens that both have rows for, in the order of their numbers.
  var shared: [Place] { places.filter { $0.own != nil && $0.id < known } }

  var hasShared: Bool { places.contains { $0.own != nil && $0.id < known } }

  /// The numbers of the tokens that only the donor has rows for.
  var lacking: [Int] { places.filter { $0.own == nil && $0.id < known }.map(\.id) }

  func needsShared(by method: Transplant.Method) -> Bool {
    (method == .omp || method == .nearest) && source != nil && !lacking.isEmpty
  }
}

extension Tensor {
  fileprivate func zeros(rows: Int) -> Tensor {
    Tensor(shape: Shape([rows] + shape.axes.dropFirst())) { $0.update(repeating: 0) }
  }

  /// Some rows of a table, in float64.
  fileprivate func matrix(ofRows rows: [Int]) -> DoubleMatrix {
    let width = shape[1]
    var entries: [Double] = []
    entries.reserveCapacity(rows.count * width)
    var row = [Float](repeating: 0, count: width)
    for index in rows {
      row.withUnsafeMutableBufferPointer { copyFloats(index * width..<(index + 1) * width, to: $0) }
      entries += row.map { Double($0) }
    }
    return DoubleMatrix(rows: rows.count, columns: width, entries)
  }
}

extension DoubleMatrix {
  /// A sum of rows, times a number, rounded to float32.
  fileprivate func sum(_ combination: RowCombination, times scale: Double) -> [Float] {
    var sum = [Double](repeating: 0, count: columns)
    for (row, weight) in zip(combination.rows, combination.weights) {
      for column in 0..<columns { sum[column] += weight * self[row, column] }
    }
    return sum.map { Float(scale * $0) }
  }
}
