import Diagnostics
import Foundation
import Models
import Networks
import Operations
import Tensors

/// What is asked of language models.
extension Examination {
  func windows(_ lengths: TextLengths, _ context: Context) throws -> ExampleScores {
    let data = try ModelData(data, for: model, lengths, context: context)
    let losses = try sums(data, context)
    let tokens = (0..<data.count).map { data.scored([$0]) }
    guard tokens.contains(where: { $0 > 0 }) else {
      throw OperationError(.data, "the texts of `\(self.data.label)` have no token that could be scored")
    }
    return ExampleScores(
      .windows, count: data.count,
      [
        .init("loss", .f32, zip(losses, tokens).map { $0 / Double(max($1, 1)) }), .init("tokens", tokens),
        .init("bytes", (0..<data.count).map(data.bytes)),
      ])
  }

  /// The sum of the losses of each example's scored tokens, in nats.
  private func sums(_ data: ModelData, _ context: Context) throws -> [Double] {
    var sums = [Double](repeating: 0, count: data.count)
    try model.network().forEachBatch(of: data, size: 16, context) { rows, batch, output in
      let places = data.objective(rows, batch).losses(output)
      let length = places.count / rows.count
      for (index, row) in rows.enumerated() { sums[row] = places[index * length..<(index + 1) * length].reduce(0, +) }
    }
    return sums
  }

  /// The most likely of several continuations.
  func choices(
    _ lengths: TextLengths, _ measure: Evaluate.ChoiceLength, _ context: Context
  ) throws -> ExampleScores {
    let (texts, all, labels) = (try data.texts(.first).first, try data.choices(), try labels())
    for (row, label) in labels.enumerated() where !all[row].indices.contains(label) {
      throw OperationError(
        .data,
        "example \(row + 1) of `\(data.label)` has \(all[row].count) choices, and choice \(label) is to be right",
        notes: ["choices are numbered from 0"])
    }
    let pairs = zip(texts, all).flatMap { text, choices in choices.map { Continuation(text, $0) } }
    let examples = try ModelData(pairs, of: data, for: model, lengths, context: context)
    let losses = try sums(examples, context)
    var (predictions, likelihoods) = ([Int](), [Double]())
    var start = 0
    for (choices, label) in zip(all, labels) {
      let scores = choices.indices.map { choice -> Double in
        let size =
          switch measure {
          case .none: 1
          case .tokens: examples.scored([start + choice])
          case .characters: choices[choice].unicodeScalars.count
          case .bytes: choices[choice].utf8.count
          }
        return -losses[start + choice] / Double(max(size, 1))
      }
      predictions.append(scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 })
      likelihoods.append(-losses[start + label])
      start += choices.count
    }
    return ExampleScores(
      .choices, count: labels.count,
      [
        .init("prediction", predictions), .init("label", labels),
        .init("correct", zip(predictions, labels).map(==)), .init("likelihood", .f32, likelihoods),
      ])
  }

  private func labels() throws -> [Int] { try data.content.tensor(Dataset.labelsName).integers }

  /// Answers that are generated token by token, each the most probable.
  func answers(
    _ lengths: TextLengths, most: Int, stop: [String], _ context: Context
  ) throws -> ExampleScores {
    let prompts = try ModelData.prompts(of: data, for: model, lengths, room: most, context: context)
    let answers = try data.answers() ?? []
    let (tokenizer, network) = (try model.tokenizer(), try model.network())
    guard case .tokens(_, _, _, let padding) = model.blueprint.input else {
      preconditionFailure("language models read tokens")
    }
    let ends = endTokens
    func text(_ tokens: [Int]) -> String {
      let kept = tokens.prefix { !ends.contains($0) }.map { Int32($0) }
      let text = tokenizer.decode(kept)
      let cut = stop.compactMap { text.range(of: $0)?.lowerBound }.min() ?? text.endIndex
      return String(text[..<cut])
    }
    let tokens = try network.greedy(
      prompts, most: most, padding: padding,
      isDone: { tokens in
        if let last = tokens.last, ends.contains(last) { return true }
        guard !stop.isEmpty else { return false }
        let text = tokenizer.decode(tokens.map { Int32($0) })
        return stop.contains { text.contains($0) }
      },
      progress: { done in
        try context.checkCancelled()
        context.progress(done, of: prompts.count, "examples")
      })
    func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
    let texts = tokens.map { trimmed(text($0)) }
    var result = ExampleScores(
      .answers, count: texts.count, [.init("correct", zip(texts, answers).map { $0 == trimmed($1) })])
    result.texts = texts
    return result
  }

  /// What a model ends a text with.
  private var endTokens: Set<Int> {
    let config = model.blueprint.config.json
    let values = config["eos_token_id"]?.array ?? [config["eos_token_id"]].compactMap { $0 }
    return Set(values.compactMap(\.integer))
  }
}
