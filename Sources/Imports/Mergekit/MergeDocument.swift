import Diagnostics
import Operations

/// Something a file says, and where.
struct Located<Value: Sendable>: Sendable {
  let value: Value
  let place: Place
}

/// One merge, as a document of a file of arcee's mergekit describes it.
struct MergeDocument: Sendable {
  /// What later documents call its result.
  let name: Located<String>?
  let method: Located<MergeMethod>
  let modules: [MergeModule]
  let base: ModelReference?
  let settings: Settings
  let precision: Located<FloatPrecision>?
  /// What arithmetic is done in, where the file says so.
  let arithmetic: FloatPrecision?
  let tokenizer: TokenizerRule?
  let chatTemplate: Located<String>?
  /// Keys that change nothing in the result.
  let ignored: [Located<String>]

  var slices: [MergeSlice] { modules.flatMap(\.slices) }

  /// All models that it names.
  var references: [ModelReference] {
    [base].compactMap { $0 } + slices.flatMap { [$0.base].compactMap { $0 } + $0.sources.map(\.reference) }
  }

  /// Whether a model that it names as its base takes part.
  func uses(_ base: ModelReference) -> Bool {
    modules.contains(where: \.mergesWholeModels)
      || slices.contains { $0.sources.contains { $0.reference.isSame(as: base) } }
  }
}

/// A part of the result, or all of it.
struct MergeModule: Sendable {
  /// What the file calls the part; none where it says nothing of parts.
  let name: Located<String>?
  let slices: [MergeSlice]
  /// Whether the file lists `models`, which are merged from first layer to last, with the base joining them.
  let mergesWholeModels: Bool
  let settings: Settings
}

/// Some layers of the result, and what they are made of.
struct MergeSlice: Sendable {
  let sources: [MergeSource]
  let base: ModelReference?
  let settings: Settings
  let place: Place
}

/// A model that takes part, or some layers of it.
struct MergeSource: Sendable {
  let reference: ModelReference
  let layers: Located<Range<Int>>?
  let settings: Settings
  let place: Place
}

/// What a file says of the result's tokenizer.
struct TokenizerRule: Sendable {
  /// `base`, `union` or a model's name.
  let source: String
  /// The model, where the source is one.
  let reference: ModelReference?
  let tokens: [TokenRule]
  /// What the number of rows is a multiple of.
  let padding: Int?
  let place: Place
}

/// Where a token's row comes from.
struct TokenRule: Sendable {
  enum Source: Sendable {
    /// A model's row of the same token, or of another one.
    case model(ModelReference, token: String?)
    case zero
    /// A model's row by its number.
    case row(ModelReference, Int)
    /// Nothing, which mergekit takes and can do nothing with.
    case none
  }

  let token: Located<String>
  let source: Source
  /// Whether models that have the token get the row too.
  let force: Bool
}

/// A model as a file of mergekit names it: `path[@revision][+adapter[@revision]]`.
struct ModelReference: Sendable {
  struct Part: Sendable, Hashable {
    let path: String
    let revision: String?
  }

  let model: Part
  let adapter: Part?
  let place: Place

  /// Whether both name the same model.
  func isSame(as other: ModelReference) -> Bool { model == other.model && adapter == other.adapter }

  var text: String {
    func text(_ part: Part) -> String { part.path + (part.revision.map { "@" + $0 } ?? "") }
    return text(model) + (adapter.map { "+" + text($0) } ?? "")
  }
}
