import Diagnostics
import Models
import Networks
import Operations
import Tensors

/// Classes, numbers and the likeness of texts.
extension Examination {
  func classes(_ lengths: TextLengths, _ context: Context) throws -> ExampleScores {
    let data = try ModelData(data, for: model, lengths, context: context)
    let scores = try model.network().scores(of: data, context)
    return ExampleScores(
      .classes, count: scores.count,
      [
        .init("prediction", scores.predictions), .init("label", data.labels), .init("correct", scores.hits),
        .init("loss", .f32, scores.losses), .init("confidence", .f32, scores.confidences),
      ])
  }

  /// A head of one number.
  func numbers(_ lengths: TextLengths, _ context: Context) throws -> ExampleScores {
    let data = try ModelData(data, for: model, lengths, context: context)
    var predictions = [Double](repeating: 0, count: data.count)
    try model.network().forEachBatch(of: data, context) { rows, _, output in
      for (row, value) in zip(rows, output.entries) { predictions[row] = Double(value) }
    }
    return ExampleScores(
      .numbers, count: data.count, [.init("prediction", .f32, predictions), .init("target", .f64, data.scores)])
  }

  /// The cosines of pairs of texts.
  func likeness(_ lengths: TextLengths, _ pooling: EmbeddingPooling, _ context: Context) throws -> ExampleScores {
    let network = try model.network()
    let embeddings = try [TextPart.first, .second].map { part in
      try network.embeddings(
        of: ModelData(data, for: model, lengths, part: part, context: context), pooling, context)
    }
    let cosines = zip(embeddings[0], embeddings[1]).map { zip($0, $1).reduce(0) { $0 + $1.0 * $1.1 } }
    return ExampleScores(
      .likeness, count: cosines.count, [.init("cosine", .f32, cosines), .init("target", .f64, try data.scores())])
  }

  /// Classes of words, each by its first token.
  func tags(_ lengths: TextLengths, _ context: Context) throws -> ExampleScores {
    let data = try ModelData(data, for: model, lengths, context: context)
    guard case .tokenClassification(let classes) = model.blueprint.head else {
      preconditionFailure("words are classified by a head for them")
    }
    let (names, zeros) = (tagNames, [Int](repeating: 0, count: data.count))
    var (words, correct) = (zeros, zeros)
    var losses = [Double](repeating: 0, count: data.count)
    let wide = [Int](repeating: 0, count: data.count * classes)
    var (right, predicted, labelled) = (wide, wide, wide)
    var (rightEntities, predictedEntities, labelledEntities) = (zeros, zeros, zeros)
    let hasEntities = Entities.areNames(names)
    try model.network().forEachBatch(of: data, context) { rows, batch, output in
      let places = data.objective(rows, batch).losses(output)
      let length = places.count / rows.count
      for (index, row) in rows.enumerated() {
        let labels = data.words(row)
        let found = labels.map { output.largest(inRow: index * length + $0.place) }
        words[row] = labels.count
        losses[row] =
          labels.reduce(0) { $0 + places[index * length + $1.place] } / Double(max(labels.count, 1))
        for ((_, label), prediction) in zip(labels, found) {
          labelled[row * classes + label] += 1
          predicted[row * classes + prediction] += 1
          if label == prediction {
            right[row * classes + label] += 1
            correct[row] += 1
          }
        }
        guard hasEntities else { continue }
        let (entities, theirs) = (Entities(labels.map { names[$0.label] }), Entities(found.map { names[$0] }))
        labelledEntities[row] = entities.count
        predictedEntities[row] = theirs.count
        rightEntities[row] = entities.shared(with: theirs)
      }
    }
    guard words.contains(where: { $0 > 0 }) else {
      throw OperationError(.data, "the texts of `\(self.data.label)` have no word that could be scored")
    }
    let entities: [ExampleScores.Column] = [
      .init("entities_right", rightEntities), .init("entities_predicted", predictedEntities),
      .init("entities_labelled", labelledEntities),
    ]
    return ExampleScores(
      .tags, count: data.count,
      [
        .init("words", words), .init("correct", correct), .init("loss", .f32, losses),
        .init("right", right, width: classes), .init("predicted", predicted, width: classes),
        .init("labelled", labelled, width: classes),
      ] + (hasEntities ? entities : []))
  }
}
