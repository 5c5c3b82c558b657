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
      case .union: "The leading model's tokens, and after them those that only others have; mergekit's `union`."
      case .first: "The leading model's tokens; mergekit's `base`, or a model's name."
      }
    }
  }

  static let about = About(
    "align",
    "Give a model the vocabulary that it is to share with others.",
    discussion: """
      Rows of the embeddings and of the head are brought to the order of one vocabulary. A token that the model lacks gets \
      the row of the one model of `among` that has it; of several, that of `prefer` if it has one, else their mean; a token \
      that none has gets zeros. Rows beyond the tokens, which pad many models, are the mean of all others. The tokenizer, \
      the chat template, the special tokens and their numbers are those of the leading model, with the new tokens added, \
      and the configuration says the new size. A model that has the vocabulary already stays as it is. mergekit does this \
      inside its merges (`tokenizer_source`, `tokenizer`).
      """,
    cost: "O(tokens × width); the embeddings of all models in memory",
    examples: [
      Example("A model in the vocabulary of two", "align(b, among: [a, b])"),
      Example("Rows padded for fast products", "align(a, among: [a, b], multiple: 64)"),
      Example(
        "One model's rows for two tokens, one of them also where it is known",
        "align(a, among: [a, b], donors: [b], take: [\"<|im_start|>\", \"<|im_end|>\"], force: [\"<|im_end|>\"])"),
    ])

  static let version = 2

  @Input("The model to change.")
  var model: Checkpoint
  @Input("The models that are to share the vocabulary; the first leads.", count: 1...)
  var among: [Checkpoint]
  @Input("The model that leads instead: it gives the tokenizer, and no rows unless it is one of `among`.")
  var tokenizer: Checkpoint?
  @Input("The model whose row a token gets before all others', where models lack it.")
  var prefer: Checkpoint?
  @Input("Whose rows the tokens of `take` get: one model for all of them, or one for each.", count: 0...)
  var donors: [Checkpoint]
  @Param("Which tokens the vocabulary has.")
  var vocabulary: Vocabulary = .union
  @Param("Tokens whose rows come from `donors` in every model that lacks them; new ones are added to the vocabulary.")
  var take: [String] = []
  @Param("What the tokens of `take` are called by their donors, one for each; by default the same.")
  var called: [String] = []
  @Param("Tokens whose rows are zeros in models that lack them; new ones are added to the vocabulary.")
  var zero: [String] = []
  @Param("Tokens of `take` and `zero` whose rows are so also in models that have them.")
  var force: [String] = []
  @Param(
    "What the number of rows is a multiple of, 1 for just the tokens; by default padding stays where nothing is new.",
    in: 1...1_000_000)
  var multiple: Int? = nil
  @Param("What rows are rounded to; by default what they are in the model.")
  var precision: FloatPrecision? = nil

  func outline() throws -> Content? { try aligned() }

  func memory() -> Int {
    let embeddings = (among + donors + [model]).flatMap { AlignedVocabulary.embeddings(of: $0.content) }
    return embeddings.isEmpty ? 0 : (16 << 20) + embeddings.reduce(0) { $0 + $1.byteCount * 3 }
  }

  func run(_ context: Context) throws -> Checkpoint {
    try context.checkCancelled()
    return Checkpoint(try aligned())
  }

  private func aligned() throws -> Content {
    let rules = try rules()
    let leader = tokenizer ?? among[0]
    // A model without a tokenizer is taken to have the leading one's.
    guard leader.content.files.contains(where: { $0.name == "tokenizer.json" }) else {
      guard among.allSatisfy({ Self.rows(of: $0) == Self.rows(of: model) }) else {
        throw OperationError(
          .data, "`\(leader.content.label)` has no `tokenizer.json`, so its vocabulary is not known",
          helps: ["put the tokenizer's files into the model's folder"])
      }
      return model.content
    }
    let shared = try AlignedVocabulary(
      among.map(\.content), leader: leader.content, isUnion: vocabulary == .union, extra: take + zero,
      multiple: multiple)
    return try shared.aligning(model.content, rules, precision: precision)
  }

  private func rules() throws -> AlignedVocabulary.Rules {
    func refuse(_ text: String, _ help: String) -> OperationError { OperationError(.step, text, helps: [help]) }
    guard take.isEmpty || donors.count == take.count || donors.count == 1 else {
      throw refuse(
        "`take` of `align` names \(take.count) tokens, and there are \(donors.count) `donors`",
        "give one model for all of them, or one for each")
    }
    guard called.isEmpty || called.count == take.count else {
      throw refuse(
        "`take` of `align` names \(take.count) tokens, and `called` \(called.count)", "give one for each, in order")
    }
    if let stray = force.first(where: { !take.contains($0) && !zero.contains($0) }) {
      throw refuse(
        "`force` of `align` names `\(stray)`, which is neither in `take` nor in `zero`", "say where its row comes from")
    }
    var given: [String: AlignedVocabulary.Rules.Row] = [:]
    for (index, token) in take.enumerated() {
      given[token] = .init(donor: donors.count == 1 ? 0 : index, token: called.isEmpty ? token : called[index])
    }
    return AlignedVocabulary.Rules(
      donors: donors.map(\.content), given: given, zero: Set(zero), force: Set(force), prefer: prefer?.content)
  }

  private static func rows(of model: Checkpoint) -> [Int] {
    AlignedVocabulary.embeddings(of: model.content).map { $0.shape[0] }
  }
}
