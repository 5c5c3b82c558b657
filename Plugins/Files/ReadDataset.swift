import Diagnostics
import Formats
import Operations
import Tensors

/// Examples from a table: columns of numbers become the features, one column the label, columns of text stay text.
///
/// Rows are put into a random order that only the seed and their number decide. A column called `split` says which rows
/// are for training, validation and test; without one the first 80% of that order are for training, then 10% for
/// validation and 10% for test. So the parts of one file never share a row, whatever `filter` and `limit` take away, as
/// long as the seed is the same.
struct ReadDataset: RecipeOperation {
  enum Split: String, Choice {
    case train, validation, test, all

    var text: String {
      switch self {
      case .train: "The rows to learn from: 80% of them where the file does not say."
      case .validation: "The rows to make choices by: 10% of them where the file does not say."
      case .test: "The rows to judge by in the end: 10% of them where the file does not say."
      case .all: "All rows."
      }
    }
  }

  static let about = About(
    "dataset",
    "Read examples from CSV, JSON Lines, CoNLL, safetensors or plain text.",
    discussion: """
      Columns of numbers are the features, but for the label's; a list of numbers in JSON Lines is as many features. \
      Rows come in a random order of their numbers that `seed` decides, so `limit` takes a random sample. `.train`, \
      the default, `.validation` and `.test` are the rows that a column called `split` says they are; without one, \
      80%, 10% and 10% of that order, so they share no row. `filter` and `among` take rows away after that, and \
      `limit` comes last.

      Labels that are whole numbers are kept as they are, and the classes go up to the largest in the whole file; \
      labels that are texts are numbered in alphabetical order of the whole file. So a class has the same number in \
      every part of a file. `score` names a column of numbers to be predicted instead, and `text` and `pair` the columns of \
      texts that a model reads.

      `tags` names a column with a class for each word of the text: lists of texts in JSON Lines, or texts with spaces between \
      the words, in `text` and `tags` alike. A `.conll` file has a word in the first and its tag in the last column of each line, and \
      an empty line after each sentence; its columns are `tokens` and `tags`. `choices` names what a text could go on with, \
      one column of lists or a column for each, and the label is the number of the right one, from 0; `answer` names the text that a \
      model is to generate.

      A `.txt` file is one text, which keeps its order: the first 80% of its bytes are for training, then come 10% for \
      validation and 10% for test, cut at ends of lines.
      """,
    cost: "O(cells); the file is held in memory",
    examples: [
      Example("What to learn from", "dataset(\"data/digits.csv\", label: \"digit\", scale: 16)"),
      Example(
        "Small digits that were held out",
        "dataset(\"data/digits.csv\", label: \"digit\", split: .test, filter: \"digit\", among: [0, 1, 2, 3, 4])"),
    ])

  @Param("The file, seen from the recipe; its ending says how it is written.")
  var path: SourcePath
  @Param("The column to predict; by default the one called `label`, `target` or `class`.")
  var label: String? = nil
  @Param("A column of numbers to predict, such as a rating or how alike two texts are.")
  var score: String? = nil
  @Param(
    "The column of texts that a model reads; by default the only one, or the one called `text`, `sentence`, `content`, `tokens` or `question`."
  )
  var text: String? = nil
  @Param("The column of second texts, for models that read pairs.")
  var pair: String? = nil
  @Param("The columns to predict from; by default all other columns of numbers.")
  var features: [String]? = nil
  @Param("Which part of the rows to take.")
  var split: Split = .train
  @Param("The most rows to take.", in: 1...1_000_000_000, unit: .examples)
  var limit: Int? = nil
  @Param("A column whose value decides whether a row is taken.")
  var filter: String? = nil
  @Param("The values of the column `filter` whose rows are taken.")
  var among: [Cell] = []
  @Param("What features are divided by, such as 255 for pixels.", in: 1e-12...1e12)
  var scale: Double = 1
  @Param("Decides the order of the rows, and so which part each belongs to.")
  var seed: Int = 0
  @Param("The column with a class for each word of the text.")
  var tags: String? = nil
  @Param("The columns of what a text could go on with: one of lists, or several of texts.")
  var choices: [String] = []
  @Param("The column of texts that a model is to generate.")
  var answer: String? = nil

  func sources() throws -> [String] { [try File(path.path).path] }

  func outline() throws -> Content? { try content().foreseen }

  func memory() -> Int { (FileStamp(path: path.path)?.size ?? 0) * 8 }

  func run(_ context: Context) throws -> Dataset { Dataset(try content()) }

  private func content() throws -> Content {
    if path.path.lowercased().hasSuffix(".txt") { return try TextDocument(path: path.path).content(split) }
    let table = try Table(path: path.path)
    let apart = choices + [tags, answer].compactMap { $0 }
    let columns = try DatasetColumns(
      table, path: path.path, label: label, score: score, features: features, apart: apart)
    let rows = try rows(of: table)
    var facts: JSON = ["rows": .integer(rows.count), "split": .string(split.rawValue)]
    var tensors: [(name: String, tensor: Tensor)] = [("row", Tensor(rows, shape: [rows.count]))]
    if !columns.features.isEmpty {
      let features = try columns.features(rows, scale: scale)
      facts = facts.setting("features", to: .integer(features.shape[1]))
      facts = facts.setting("columns", to: .array(columns.features.map { .string($0.name) }))
      tensors.append((Dataset.featuresName, features))
    }
    if let label = columns.label {
      let labels = try columns.labels(label)
      facts = facts.setting("label", to: .string(label.name)).setting("classes", to: .integer(labels.classes))
      if let names = labels.names { facts = facts.setting("class_names", to: .array(names.map { .string($0) })) }
      tensors.append((Dataset.labelsName, Tensor(rows.map { labels.numbers[$0] }, shape: [rows.count])))
    }
    if let score = columns.score {
      facts = facts.setting("score", to: .string(score.name))
      tensors.append(("scores", try columns.scores(score, rows)))
    }
    for (fact, name) in [("text", text), ("pair", pair)] {
      guard let name else { continue }
      guard !(try table.column(named: name, path: path.path)).isNumeric else {
        throw OperationError(.data, "`\(name)` of `\(path.path)` holds numbers, and models read texts")
      }
      facts = facts.setting(fact, to: .string(name))
    }
    tensors += try columns.texts(rows)
    if let tags {
      let words = try WordTags(table, path: path.path, text: text, tags: tags)
      guard columns.label == nil else {
        throw OperationError(
          .step, "`\(path.path)` is to have the label `\(columns.label?.name ?? "")` and the tags `\(tags)`",
          helps: ["leave one of them out"])
      }
      facts = facts.setting("tags", to: .string(tags)).setting("classes", to: .integer(words.names.count))
        .setting("class_names", to: .array(words.names.map { .string($0) }))
      tensors += words.tensors(rows)
    }
    if !choices.isEmpty {
      facts = facts.setting("choices", to: .array(choices.map { .string($0) }))
      tensors += try Continuations(table, path: path.path, columns: choices).tensors(rows)
    }
    if let answer {
      facts = facts.setting("answer", to: .string(answer))
      let texts = try table.column(named: answer, path: path.path).sentences(path.path)
      tensors += TextColumn(rows.map { texts[$0] }).tensors(Dataset.answersName)
    }
    return Content(
      .dataset, facts: facts,
      tensors: tensors.map { name, tensor in TensorEntry(name, dtype: tensor.dtype, shape: tensor.shape) { tensor } })
  }

  // MARK: Rows

  /// The numbers of the rows to take, in their random order.
  private func rows(of table: Table) throws -> [Int] {
    var generator = Generator(seed: seed, stream: "dataset", "rows")
    let order = generator.permutation(of: table.rowCount)
    let part = try part(of: table, order)
    let kept = try taken(part, table)
    guard !kept.isEmpty else {
      let filtered = filter.map { ", and none of them has a `\($0)` among \(among.value.canonical)" } ?? ""
      throw OperationError(
        .data,
        "no row is left of `\(path.path)`: \(part.count) of its \(table.rowCount) are in `.\(split.rawValue)`\(filtered)"
      )
    }
    return limit.map { Array(kept.prefix($0)) } ?? kept
  }

  private func part(of table: Table, _ order: [Int]) throws -> [Int] {
    guard split != .all else { return order }
    guard let column = table.column("split") else {
      let tenth = table.rowCount / 10
      let ends = (train: table.rowCount - 2 * tenth, validation: table.rowCount - tenth)
      switch split {
      case .train: return Array(order[..<ends.train])
      case .validation: return Array(order[ends.train..<ends.validation])
      case .test, .all: return Array(order[ends.validation...])
      }
    }
    guard case .texts(let names) = column.cells else {
      throw OperationError(.data, "the column `split` of `\(path.path)` holds numbers, not names of parts")
    }
    let known: [String: Split] = [
      "train": .train, "validation": .validation, "valid": .validation, "val": .validation, "dev": .validation,
      "test": .test,
    ]
    if let row = names.indices.first(where: { known[names[$0]] == nil }) {
      throw OperationError(
        .data, "row \(row + 1) of `\(path.path)` is in the split `\(names[row])`",
        notes: ["splits are `train`, `validation` and `test`"])
    }
    return order.filter { known[names[$0]] == split }
  }

  private func taken(_ rows: [Int], _ table: Table) throws -> [Int] {
    guard let filter else {
      guard among.isEmpty else {
        throw OperationError(.step, "`among` of `dataset` needs `filter`, which says what is among these values")
      }
      return rows
    }
    guard !among.isEmpty else {
      throw OperationError(.step, "`filter` of `dataset` needs `among`, which lists the values of `\(filter)` to take")
    }
    let column = try table.column(named: filter, path: path.path)
    guard column.width == 1 else {
      throw OperationError(
        .step,
        "`\(filter)` of `\(path.path)` holds \(column.width) numbers in a row, so no value of it can be among others")
    }
    switch column.cells {
    case .numbers(let numbers):
      let wanted = among.compactMap { if case .number(let number) = $0 { number } else { nil } }
      try check(wanted.count, "numbers", filter)
      return rows.filter { wanted.contains(numbers[$0]) }
    case .lists:
      throw OperationError(.step, "`\(filter)` of `\(path.path)` holds lists, so no value of it can be among others")
    case .texts(let texts):
      let wanted = among.compactMap { if case .text(let text) = $0 { text } else { nil } }
      try check(wanted.count, "texts", filter)
      return rows.filter { wanted.contains(texts[$0]) }
    }
  }

  private func check(_ fitting: Int, _ what: String, _ filter: String) throws {
    guard fitting == among.count else {
      throw OperationError(
        .step, "`\(filter)` of `\(path.path)` is a column of \(what), and `among` is \(among.value.canonical)")
    }
  }
}
