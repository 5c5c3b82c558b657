import Diagnostics
import Foundation
import Models
import Networks
import Operations
import Tensors

extension Evaluate {
  /// The scores that are kept of each example.
  static func scores(_ task: ModelData.Task) -> [(name: String, dtype: DType)] {
    switch task {
    case .classes: [("prediction", .i64), ("correct", .u8), ("loss", .f32), ("confidence", .f32)]
    case .numbers: [("prediction", .f32)]
    case .nextTokens: [("loss", .f32), ("tokens", .i64)]
    case .none: [("cosine", .f32)]
    }
  }

  /// A classifier.
  static func classes(_ model: RunnableModel, _ data: ModelData, _ context: Context) throws -> Measurement {
    let scores = try model.network().scores(of: data, context)
    let confusion = Confusion(predictions: scores.predictions, labels: data.labels)
    let shape = Shape([scores.count])
    return Measurement(
      figures: [
        .accuracy: scores.accuracy, .f1: confusion.f1, .matthews: confusion.matthews, .loss: scores.loss,
        .calibrationError: scores.calibrationError,
      ],
      means: [
        .init(measure: .accuracy, values: scores.hits.map { $0 ? 1 : 0 }), .init(measure: .loss, values: scores.losses),
      ],
      counts: [("examples", scores.count)],
      scores: [
        ("prediction", Tensor(scores.predictions, shape: shape)),
        ("correct", Tensor(bytes: scores.hits.map { $0 ? 1 : 0 }, dtype: .u8, shape: shape)),
        ("loss", Tensor(scores.losses.map { Float($0) }, shape: shape)),
        ("confidence", Tensor(scores.confidences.map { Float($0) }, shape: shape)),
      ])
  }

  /// A head of one number.
  static func numbers(_ model: RunnableModel, _ data: ModelData, _ context: Context) throws -> Measurement {
    let network = try model.network()
    var predictions = [Double](repeating: 0, count: data.count)
    try network.forEachBatch(of: data, context) { rows, _, output in
      for (row, value) in zip(rows, output.entries) { predictions[row] = Double(value) }
    }
    let errors = zip(predictions, data.scores).map { ($0 - $1) * ($0 - $1) }
    return Measurement(
      figures: [
        .loss: errors.reduce(0, +) / Double(errors.count), .pearson: Correlation.pearson(predictions, data.scores),
        .spearman: Correlation.spearman(predictions, data.scores),
      ],
      means: [.init(measure: .loss, values: errors)], counts: [("examples", data.count)],
      scores: [("prediction", Tensor(predictions.map { Float($0) }, shape: [data.count]))])
  }

  /// A language model.
  static func nextTokens(_ model: RunnableModel, _ data: ModelData, _ context: Context) throws -> Measurement {
    let network = try model.network()
    var (losses, tokens) = ([Double](repeating: 0, count: data.count), [Double](repeating: 0, count: data.count))
    try network.forEachBatch(of: data, size: 16, context) { rows, batch, output in
      let places = data.objective(rows, batch).losses(output)
      let length = places.count / rows.count
      for (index, row) in rows.enumerated() {
        let count = data.scored([row])
        tokens[row] = Double(count)
        losses[row] = places[index * length..<(index + 1) * length].reduce(0, +) / Double(max(count, 1))
      }
    }
    let count = tokens.reduce(0, +)
    guard count > 0 else { throw OperationError(.data, "the texts have no token that could be scored") }
    let total = zip(losses, tokens).reduce(0) { $0 + $1.0 * $1.1 }
    return Measurement(
      figures: [
        .loss: total / count, .perplexity: exp(total / count),
        .bitsPerByte: total / log(2) / Double(max(data.bytes, 1)),
      ],
      means: [.init(measure: .loss, values: losses, weights: tokens)],
      counts: [("tokens", Int(count)), ("windows", data.count)],
      scores: [
        ("loss", Tensor(losses.map { Float($0) }, shape: [data.count])),
        ("tokens", Tensor(tokens.map { Int($0) }, shape: [data.count])),
      ])
  }

  /// The cosines of pairs of texts.
  func likeness(_ model: RunnableModel, _ lengths: TextLengths, _ context: Context) throws -> Measurement {
    let network = try model.network()
    let first = try network.embeddings(
      of: ModelData(data, for: model, lengths, part: .first, context: context), pooling.pooling, context)
    let second = try network.embeddings(
      of: ModelData(data, for: model, lengths, part: .second, context: context), pooling.pooling, context)
    let cosines = zip(first, second).map { zip($0, $1).reduce(0) { $0 + $1.0 * $1.1 } }
    let scores = try data.scores()
    return Measurement(
      figures: [.pearson: Correlation.pearson(cosines, scores), .spearman: Correlation.spearman(cosines, scores)],
      counts: [("examples", cosines.count)],
      scores: [("cosine", Tensor(cosines.map { Float($0) }, shape: [cosines.count]))])
  }
}
