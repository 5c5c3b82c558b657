import Diagnostics
import Formats
import Tensors

/// Where each row of an embedding comes from that is brought to another vocabulary.
struct RowPlan {
  /// A model's tensor with a row for each of its tokens.
  struct Source {
    let vocabulary: TokenizerVocabulary
    /// How many rows the tensor has.
    let rows: Int
    /// Its place among the tensors that rows are taken from.
    let tensor: Int

    func place(_ token: String) -> RowSource.Place? {
      guard let row = vocabulary[token], row < rows else { return nil }
      return RowSource.Place(tensor: tensor, row: row)
    }
  }

  let own: Source
  /// The models that share the vocabulary, the one that is changed among them.
  let others: [Source]
  let preferred: Source?
  let donors: [Source]

  /// - Parameter count: Of all rows; those beyond the tokens are the mean of the others.
  /// - Throws: `OperationError` where a donor lacks what it is to give.
  func rows(_ count: Int, of vocabulary: TokenizerVocabulary, _ rules: AlignedVocabulary.Rules) throws -> [RowSource] {
    var result = [RowSource](repeating: .meanOfOthers, count: count)
    for (token, id) in vocabulary.tokens where id < count { result[id] = try row(of: token, rules) }
    return result
  }

  private func row(of token: String, _ rules: AlignedVocabulary.Rules) throws -> RowSource {
    if let place = own.place(token), !rules.force.contains(token) { return .mean([place]) }
    if rules.zero.contains(token) { return .zero }
    if let given = rules.given[token] {
      guard let place = donors[given.donor].place(given.token) else {
        throw OperationError(
          .step, "the donor of `\(token)` in `align` has no row for `\(given.token)`",
          notes: ["`\(rules.donors[given.donor].label)` is the donor"])
      }
      return .mean([place])
    }
    let places = others.compactMap { $0.place(token) }
    if places.count > 1, let place = preferred?.place(token) { return .mean([place]) }
    return places.isEmpty ? .zero : .mean(places)
  }
}
