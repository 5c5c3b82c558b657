import Diagnostics
import Formats
import Operations
import Tensors

/// Brings a model to the vocabulary that it is to share with others, so that they can be merged.
struct Align: RecipeOperation {
  enum Vocabulary: String, Choice {
    case union, first

    var text: String {
      switch self {
      case .union: "The first model's tokens, and after them those that only others have; mergekit's `union`."
      case .first: "The first model's tokens; mergekit's `base`, or a model's name."
      }
    }
  }

  static let about = About(
    "align",
    "Give a model the vocabulary that it is to share with others.",
    discussion: """
      Rows of the embeddings and of the head are brought to the order of one vocabulary. A token that the model lacks gets \
      the row of the one model that has it; of several, the first model's, if it is among them, else their mean. Rows \
      beyond the tokens, which pad many models, are the mean of the model's own. The tokenizer, the chat template and the \
      special tokens are the first model's, with the new tokens added, and the configuration says the new size. A model \
      that has the vocabulary already stays as it is. mergekit does this inside its merges (`tokenizer_source`).
      """,
    cost: "O(tokens × width); the embeddings of all models in memory",
    examples: [
      Example("A model in the vocabulary of two", "align(b, among: [a, b])"),
      Example("Rows padded for fast products", "align(a, among: [a, b], multiple: 64)"),
    ])

  @Input("The model to change.")
  var model: Checkpoint
  @Input("All models that are to share the vocabulary; the first leads.", count: 1...)
  var among: [Checkpoint]
  @Input("A model whose rows the tokens of `take` get.")
  var donor: Checkpoint?
  @Param("Which tokens the vocabulary has.")
  var vocabulary: Vocabulary = .union
  @Param("Tokens whose rows come from `donor` in every model that lacks them.")
  var take: [String] = []
  @Param("Whether the rows of `take` come from `donor` also in models that have the tokens.")
  var force: Bool = false
  @Param("Tokens whose rows are zero in models that lack them.")
  var zero: [String] = []
  @Param("What the number of rows is a multiple of.", in: 1...1_000_000)
  var multiple: Int? = nil

  func outline() throws -> Content? { try aligned() }

  func memory() -> Int {
    let embeddings = (among + [model]).flatMap { AlignedVocabulary.embeddings(of: $0.content) }
    return embeddings.isEmpty ? 0 : (16 << 20) + embeddings.reduce(0) { $0 + $1.byteCount * 3 }
  }

  func run(_ context: Context) throws -> Checkpoint {
    try context.checkCancelled()
    return Checkpoint(try aligned())
  }

  private func aligned() throws -> Content {
    if !take.isEmpty, donor == nil {
      throw OperationError(.step, "`take` of `align` names tokens, and there is no `donor` to take their rows from")
    }
    // A model without a tokenizer is taken to have the first one's.
    guard among[0].content.files.contains(where: { $0.name == "tokenizer.json" }) else {
      guard among.allSatisfy({ Self.rows(of: $0) == Self.rows(of: model) }) else {
        throw OperationError(
          .data, "`\(among[0].content.label)` has no `tokenizer.json`, so its vocabulary is not known",
          helps: ["put the tokenizer's files into the model's folder"])
      }
      return model.content
    }
    let shared = try AlignedVocabulary(among.map(\.content), isUnion: vocabulary == .union, multiple: multiple)
    let rules = AlignedVocabulary.Rules(donor: donor?.content, take: Set(take), force: force, zero: Set(zero))
    return try shared.aligning(model.content, rules)
  }

  private static func rows(of model: Checkpoint) -> [Int] {
    AlignedVocabulary.embeddings(of: model.content).map { $0.shape[0] }
  }
}
