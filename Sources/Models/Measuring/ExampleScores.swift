import Diagnostics
import Networks
import Operations
import Tensors

/// What a model gave for each of some examples, as columns with a row for each example: all that its figures are made of.
public struct ExampleScores: Sendable {
  /// What was measured.
  public enum Kind: String, Sendable, CaseIterable {
    /// A class of each example: `prediction`, `label`, `correct`, `loss`, `confidence`.
    case classes
    /// A class of each word: of an example's `words` those that are `correct`, their mean `loss`, and for each class how many words
    /// were `right`, `predicted` and `labelled`; whole entities likewise, where classes are called as those of entities.
    case tags
    /// A number of each example: `prediction`, `target`.
    case numbers
    /// Next tokens of a window: `loss`, `tokens`, `bytes`.
    case windows
    /// How alike two texts are: `cosine`, `target`.
    case likeness
    /// The most likely of several continuations: `prediction`, `label`, `correct`, `likelihood` of the right one, in nats.
    case choices
    /// Texts that were generated: `correct`, and the text `generated`.
    case answers
  }

  /// One column, row-major where `width` is not 1.
  public struct Column: Sendable {
    public let name: String
    public let dtype: DType
    public let width: Int
    public let entries: [Double]

    public init(_ name: String, _ dtype: DType, _ entries: [Double], width: Int = 1) {
      (self.name, self.dtype, self.width, self.entries) = (name, dtype, width, entries)
    }

    public init(_ name: String, _ entries: [Int], width: Int = 1) {
      self.init(name, .i64, entries.map(Double.init), width: width)
    }

    public init(_ name: String, _ entries: [Bool]) { self.init(name, .u8, entries.map { $0 ? 1 : 0 }) }

    var tensor: Tensor {
      let shape = width == 1 ? Shape([entries.count]) : Shape([entries.count / width, width])
      switch dtype {
      case .i64: return Tensor(entries.map { Int($0) }, shape: shape)
      case .u8: return Tensor(bytes: entries.map { UInt8($0) }, dtype: .u8, shape: shape)
      case .f64: return Tensor(doubles: entries, shape: shape)
      default: return Tensor(entries.map { Float($0) }, shape: shape)
      }
    }
  }

  public let kind: Kind
  public let count: Int
  public var columns: [Column]
  /// What was generated for each example.
  public var texts: [String] = []

  public init(_ kind: Kind, count: Int, _ columns: [Column]) {
    (self.kind, self.count, self.columns) = (kind, count, columns)
  }

  func column(_ name: String) -> [Double]? { columns.first { $0.name == name }?.entries }

  /// What can be said of them.
  public var metrics: [Metric] { Self.metrics(kind, hasEntities: column("entities_labelled") != nil) }

  public static func metrics(_ kind: Kind, hasEntities: Bool = false) -> [Metric] {
    switch kind {
    case .classes: [.accuracy, .f1, .matthews, .loss, .calibrationError]
    case .tags: [.accuracy, .f1] + (hasEntities ? [.entityF1] : []) + [.loss]
    case .numbers: [.loss, .pearson, .spearman]
    case .windows: [.loss, .perplexity, .bitsPerByte]
    case .likeness: [.loss, .pearson, .spearman]
    case .choices: [.accuracy]
    case .answers: [.exactMatch]
    }
  }

  // MARK: As tensors

  /// The names, dtypes and widths of the columns, where those are known before anything is measured.
  public static func columns(
    _ kind: Kind, classes: Int = 1, hasEntities: Bool = false
  ) -> [(name: String, dtype: DType, width: Int)]? {
    switch kind {
    case .classes:
      [
        ("prediction", .i64, 1), ("label", .i64, 1), ("correct", .u8, 1), ("loss", .f32, 1), ("confidence", .f32, 1),
      ]
    case .tags:
      [
        ("words", .i64, 1), ("correct", .i64, 1), ("loss", .f32, 1), ("right", .i64, classes),
        ("predicted", .i64, classes), ("labelled", .i64, classes),
      ]
        + (hasEntities ? ["entities_right", "entities_predicted", "entities_labelled"].map { ($0, .i64, 1) } : [])
    case .numbers: [("prediction", .f32, 1), ("target", .f64, 1)]
    case .likeness: [("cosine", .f32, 1), ("target", .f64, 1)]
    case .choices: [("prediction", .i64, 1), ("label", .i64, 1), ("correct", .u8, 1), ("likelihood", .f32, 1)]
    // How many windows there are, or how long texts come out, only running tells.
    case .windows, .answers: nil
    }
  }

  public var tensors: [TensorEntry] {
    let texts: [TensorEntry] =
      texts.isEmpty ? [] : TextColumn(self.texts).tensors("text.generated").map { TensorEntry($0.name, $0.tensor) }
    return columns.map { TensorEntry($0.name, $0.tensor) } + texts
  }

  /// The scores that a measurement kept.
  /// - Throws: `OperationError` where it kept none, or one is no number.
  public init(_ metrics: Metrics) throws {
    guard let kind = try Self.kind(of: metrics) else {
      throw OperationError(
        .data, "`\(metrics.label)` has no scores of single examples", helps: ["`evaluate(…)` keeps them"])
    }
    let entries = metrics.content.tensors.filter { !$0.name.hasPrefix("text.") }
    let columns = try entries.map { entry in
      let width = entry.shape.rank > 1 ? entry.shape[1] : 1
      let numbers =
        entry.dtype.isFloat
        ? try metrics.content.finiteTensor(entry.name).doubles : try entry.load().integers.map(Double.init)
      let isClass = entry.name == "prediction" && entry.dtype == .i64 || entry.name == "label"
      guard !isClass || numbers.allSatisfy({ (0..<1_000_000).contains($0) }) else {
        throw OperationError(.corrupt, "`\(entry.name)` of `\(metrics.label)` is not made of classes")
      }
      return Column(entry.name, entry.dtype, numbers, width: width)
    }
    self.init(kind, count: entries.first?.shape.axes.first ?? 0, columns)
  }

  /// What a measurement kept scores of, from its header alone; nil where it kept none.
  /// - Throws: `OperationError` where columns are not as long as each other.
  public static func kind(of metrics: Metrics) throws -> Kind? {
    let entries = metrics.content.tensors.filter { !$0.name.hasPrefix("text.") }
    let names = Set(entries.map(\.name))
    let kind = Kind.allCases.first { kind in
      switch kind {
      case .windows: names.isSuperset(of: ["loss", "tokens", "bytes"])
      case .answers: names.contains("correct")
      default: names.isSuperset(of: (columns(kind) ?? []).map(\.name))
      }
    }
    guard let kind, let count = entries.first?.shape.axes.first, count > 0 else { return nil }
    if let stray = entries.first(where: { $0.shape.axes.first != count }) {
      throw OperationError(
        .corrupt, "`\(stray.name)` of `\(metrics.label)` is \(stray.shape), and others have \(count)")
    }
    if let stray = entries.first(where: { !$0.dtype.isNumeric || $0.dtype == .bool || $0.shape.rank > 2 }) {
      throw OperationError(
        .corrupt, "`\(stray.name)` of `\(metrics.label)` is \(stray.dtype.rawValue) \(stray.shape), which no score is")
    }
    return kind
  }
}
