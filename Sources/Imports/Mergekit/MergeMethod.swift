/// A merge method of arcee's mergekit, and the operation that does the same.
///
/// This file is the whole table. What an operation's slots are called is checked against the catalog when a file is imported.
struct MergeMethod: Sendable {
  /// How the models of a merge fill an operation's inputs.
  enum Operands: Sendable {
    /// All models, in order.
    case all(String)
    /// The base and one other.
    case pair(base: String, other: String)
    /// Two models, beside a base or not.
    case two(String, String, base: String)
    /// One or more models beside a base, which may be missing where it is optional.
    case models(String, base: String, isBaseRequired: Bool)
    case one(String)
  }

  /// Where mergekit looks a parameter up.
  enum Scope: Sendable {
    /// For each model, first among the model's own settings.
    case model
    /// For each tensor, and never among a model's own settings.
    case tensor
  }

  struct Parameter: Sendable {
    let name: String
    let scope: Scope
    /// What it is where a file says nothing; a parameter without one must be given for every model but the base.
    let standard: Double?
    /// The slot that it fills; none where `spelling` of the method makes settings of it.
    let slot: String?
    /// How a recipe writes a flag, for a slot of choices.
    let choices: (whenTrue: String, whenFalse: String)?

    init(
      _ name: String, _ scope: Scope, _ standard: Double? = nil, slot: String?,
      choices: (whenTrue: String, whenFalse: String)? = nil
    ) {
      self.name = name
      self.scope = scope
      self.standard = standard
      self.slot = slot
      self.choices = choices
    }
  }

  let name: String
  let operation: String
  let operands: Operands
  let parameters: [Parameter]
  /// Settings that the method's name implies: a slot and the text of its value.
  var implied: [(slot: String, text: String)] = []
  /// What the operation does otherwise than mergekit, for a comment.
  var remark: String?

  /// Parameters that change nothing in any result.
  static let inconsequential: Set<String> = ["int8_mask"]

  static func named(_ name: String) -> MergeMethod? { all.first { $0.name == name } }

  /// All names of parameters, of whatever method.
  static let parameterNames = Set(all.flatMap { $0.parameters.map(\.name) }).union(inconsequential)

  // MARK: Parameters of several methods

  private static let weight = Parameter("weight", .model, slot: "weights")
  private static let density = Parameter("density", .model, 1, slot: "density")
  private static let lambda = Parameter("lambda", .tensor, 1, slot: "scale")
  private static func normalize(_ standard: Double) -> Parameter {
    Parameter("normalize", .tensor, standard, slot: "normalize")
  }
  private static let rescale = Parameter("rescale", .tensor, 0, slot: "rescale")
  /// mergekit's rescaling of what was dropped at random keeps a tensor's sum of magnitudes.
  private static let rescaleDropped = Parameter(
    "rescale", .tensor, 1, slot: "rescale", choices: (whenTrue: ".l1", whenFalse: ".none"))

  private static let taskVectors = Operands.models("models", base: "base", isBaseRequired: true)
  private static let elects = (slot: "consensus", text: ".mass")
  private static let sums = (slot: "consensus", text: ".none")
  private static let drawsOtherwise =
    "What is dropped is drawn from other random numbers than mergekit's, so the result has the same distribution, not the same "
    + "bytes; it is the same in every run, whatever the order of the work."

  // MARK: The table

  static let all: [MergeMethod] = [
    MergeMethod(
      name: "linear", operation: "average", operands: .all("models"), parameters: [weight, normalize(1)]),
    MergeMethod(
      name: "slerp", operation: "slerp", operands: .pair(base: "a", other: "b"),
      parameters: [Parameter("t", .tensor, slot: "at")]),
    MergeMethod(
      name: "nuslerp", operation: "nuslerp", operands: .two("a", "b", base: "base"),
      parameters: [
        weight, Parameter("nuslerp_flatten", .tensor, 1, slot: nil),
        Parameter("nuslerp_row_wise", .tensor, 0, slot: nil),
      ]),
    MergeMethod(
      name: "multislerp", operation: "multislerp", operands: .models("models", base: "base", isBaseRequired: false),
      parameters: [
        weight, Parameter("normalize_weights", .tensor, 1, slot: "normalize"),
        Parameter("eps", .tensor, 1e-8, slot: "epsilon"),
      ]),
    MergeMethod(
      name: "karcher", operation: "karcher", operands: .all("models"),
      parameters: [
        Parameter("max_iter", .tensor, 10, slot: "iterations"), Parameter("tol", .tensor, 1e-5, slot: "tolerance"),
      ]),
    MergeMethod(
      name: "passthrough", operation: "passthrough", operands: .one("model"),
      parameters: [Parameter("scale", .model, 1, slot: "scale")]),
    MergeMethod(
      name: "task_arithmetic", operation: "task_arithmetic", operands: taskVectors,
      parameters: [weight, normalize(0), lambda]),
    MergeMethod(
      name: "ties", operation: "ties", operands: taskVectors,
      parameters: [weight, density, normalize(1), rescale, lambda]),
    MergeMethod(
      name: "dare_linear", operation: "dare", operands: taskVectors,
      parameters: [weight, density, normalize(0), rescaleDropped, lambda], implied: [sums], remark: drawsOtherwise),
    MergeMethod(
      name: "dare_ties", operation: "dare", operands: taskVectors,
      parameters: [weight, density, normalize(0), rescaleDropped, lambda], implied: [elects], remark: drawsOtherwise),
    MergeMethod(
      name: "breadcrumbs", operation: "breadcrumbs", operands: taskVectors,
      parameters: [
        weight, density, Parameter("gamma", .model, 0.01, slot: "gamma"), normalize(0), rescale, lambda,
      ], implied: [sums], remark: losesNoSmallTensor),
    MergeMethod(
      name: "breadcrumbs_ties", operation: "breadcrumbs", operands: taskVectors,
      parameters: [
        weight, density, Parameter("gamma", .model, 0.01, slot: "gamma"), normalize(0), rescale, lambda,
      ], implied: [elects], remark: losesNoSmallTensor),
    MergeMethod(
      name: "della", operation: "della", operands: taskVectors,
      parameters: [
        weight, density, Parameter("epsilon", .model, 0.15, slot: "epsilon"), normalize(1), rescaleDropped, lambda,
      ], implied: [elects], remark: drawsOtherwise),
    MergeMethod(
      name: "della_linear", operation: "della", operands: taskVectors,
      parameters: [
        weight, density, Parameter("epsilon", .model, 0.15, slot: "epsilon"), normalize(0), rescaleDropped, lambda,
      ], implied: [sums], remark: drawsOtherwise),
    MergeMethod(
      name: "model_stock", operation: "model_stock", operands: taskVectors,
      parameters: [Parameter("filter_wise", .tensor, 0, slot: "filter_wise")]),
    MergeMethod(
      name: "nearswap", operation: "nearswap", operands: .pair(base: "base", other: "model"),
      parameters: [Parameter("t", .tensor, slot: "within")]),
    MergeMethod(
      name: "arcee_fusion", operation: "arcee_fusion", operands: .pair(base: "base", other: "model"), parameters: []),
    MergeMethod(
      name: "sce", operation: "sce", operands: taskVectors,
      parameters: [Parameter("select_topk", .tensor, 1, slot: "density")]),
    MergeMethod(
      name: "ram", operation: "ram", operands: taskVectors,
      parameters: [Parameter("epsilon", .tensor, 1e-5, slot: "epsilon")]),
    MergeMethod(
      name: "ramplus_tl", operation: "ram", operands: taskVectors,
      parameters: [
        Parameter("epsilon", .tensor, 1e-5, slot: "epsilon"), Parameter("r", .tensor, 0.1, slot: "r"),
        Parameter("alpha", .tensor, 0.2, slot: "alpha"),
      ]),
  ]

  private static let losesNoSmallTensor =
    "Where `gamma` rounds to no entry at all, mergekit loses the whole task vector of the tensor; here no outlier is dropped then."

  /// Settings that several parameters make together.
  /// - Parameter value: What a parameter without a slot of its own comes to.
  func combined(_ value: (String) -> Double?) -> [(slot: String, text: String)] {
    guard name == "nuslerp" else { return [] }
    guard let flatten = value("nuslerp_flatten"), let columns = value("nuslerp_row_wise") else { return [] }
    // mergekit's words are the other way round: `row_wise` takes the vectors along the first axis.
    return [("vectors", flatten != 0 ? ".tensors" : columns != 0 ? ".columns" : ".rows")]
  }

  /// Whether the base takes part in the merge as what others are compared with, so that its own settings count for nothing.
  var subtractsBase: Bool {
    switch operands {
    case .models, .two: true
    case .pair, .all, .one: false
    }
  }

  var needsBase: Bool {
    switch operands {
    case .pair: true
    case .models(_, base: _, let isRequired): isRequired
    case .all, .two, .one: false
    }
  }
}
