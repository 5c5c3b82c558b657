import Diagnostics
import Models
import Networks
import Operations
import Tensors

/// What is asked of a model on a dataset, which follows from the model's head and what the dataset has.
struct Examination {
  let model: RunnableModel
  let data: Dataset
  let kind: ExampleScores.Kind

  /// - Throws: `OperationError` where the model has no head for what the dataset asks.
  init(_ checkpoint: Checkpoint, on data: Dataset) throws {
    model = try RunnableModel(checkpoint)
    self.data = data
    let facts = data.content.facts
    guard case .causalLanguageModel = model.blueprint.head else {
      for (fact, what) in [("choices", "choices"), ("answer", "answers to be generated")] where facts[fact] != nil {
        throw OperationError(
          .data, "`\(data.label)` has \(what), and `\(model.label)` has \(model.blueprint.head)",
          helps: ["language models, such as `LlamaForCausalLM`, are asked for those"])
      }
      switch try ModelData.task(of: data, for: model) {
      case .classes: kind = .classes
      case .numbers: kind = .numbers
      case .tags: kind = .tags
      case .nextTokens: preconditionFailure("next tokens are those of language models")
      case .none:
        kind = .likeness
        try Self.checkEmbeds(model, data)
      }
      return
    }
    _ = try ModelData.task(of: data, for: model)
    if facts["choices"] != nil {
      kind = .choices
      guard data.content.entry(Dataset.labelsName) != nil else {
        throw OperationError(
          .data, "`\(data.label)` has choices, and does not say which are right",
          helps: ["say which column does: `dataset(…, label: \"…\")`"])
      }
    } else {
      kind = facts["answer"] != nil ? .answers : .windows
    }
  }

  private static func checkEmbeds(_ model: RunnableModel, _ data: Dataset) throws {
    guard model.blueprint.head == .none else {
      throw OperationError(
        .data, "`\(model.label)` has \(model.blueprint.head), and nothing is measured of those",
        helps: ["`add_head(…)` gives it another"])
    }
    let facts = data.content.facts
    guard try data.textColumns().second != nil, facts["score"]?.string != nil else {
      let wantsHead = facts["classes"] != nil || facts["tags"] != nil
      throw OperationError(
        .data,
        "`\(model.label)` has no head, so it embeds texts, and `\(data.label)` has no pairs of texts with a number",
        helps: [
          wantsHead
            ? "`add_head(…)` gives it a head for the classes of `\(data.label)`, to be trained"
            : "say which columns they are: `dataset(…, text: \"…\", pair: \"…\", score: \"…\")`"
        ])
    }
  }

  /// The names of the classes of words: the model's own, else the dataset's.
  var tagNames: [String] {
    ClassNumbers.names(model) ?? data.content.facts["class_names"]?.array?.compactMap(\.string) ?? []
  }

  var metrics: [Metric] { ExampleScores.metrics(kind, hasEntities: kind == .tags && Entities.areNames(tagNames)) }

  /// The tensors that will be kept; nil where only running tells.
  var outline: [TensorEntry]? {
    guard let count = data.content.facts["rows"]?.integer else { return nil }
    let classes = if case .tokenClassification(let classes) = model.blueprint.head { classes } else { 1 }
    let columns = ExampleScores.columns(kind, classes: classes, hasEntities: Entities.areNames(tagNames))
    guard let columns else { return nil }
    return (rows == nil ? [] : [TensorEntry(foreseen: Self.rowName, dtype: .i64, shape: [count])])
      + columns.map { name, dtype, width in
        TensorEntry(foreseen: name, dtype: dtype, shape: width == 1 ? [count] : [count, width])
      }
  }

  private static let rowName = "row"

  /// The rows of the file that the examples are.
  private var rows: TensorEntry? { kind == .windows ? nil : data.content.entry(Self.rowName) }

  /// The scores, with the row of the file that each is of.
  func scores(_ settings: Evaluate, _ context: Context) throws -> ExampleScores {
    var lengths = settings.reading.lengths
    lengths.stride = settings.stride
    var result =
      switch kind {
      case .classes: try classes(lengths, context)
      case .tags: try tags(lengths, context)
      case .numbers: try numbers(lengths, context)
      case .windows: try windows(lengths, context)
      case .likeness: try likeness(lengths, settings.pooling.pooling, context)
      case .choices: try choices(lengths, settings.choiceLength, context)
      case .answers: try answers(lengths, most: settings.newTokens, stop: settings.stop, context)
      }
    if let rows { result.columns.insert(.init(Self.rowName, try rows.load().integers), at: 0) }
    return result
  }
}
