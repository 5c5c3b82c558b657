import Diagnostics
import Formats

/// What a network ends in.
public enum Head: Sendable, Hashable, CustomStringConvertible {
  /// Logits of the next token at each place: (texts, places, vocabulary).
  case causalLanguageModel
  /// Logits of the token that stands at each place: (texts, places, vocabulary).
  case maskedLanguageModel
  /// Logits of the whole: (examples, classes).
  case classification(Int)
  /// Logits of each token: (texts, places, classes).
  case tokenClassification(Int)
  /// The last hidden states: (examples, places, width).
  case none

  /// What the class in `architectures` ends in, in `transformers`.
  private func suffix(isOfNumbers: Bool) -> String {
    switch self {
    case .classification where isOfNumbers: "ForImageClassification"
    case .causalLanguageModel: "ForCausalLM"
    case .maskedLanguageModel: "ForMaskedLM"
    case .classification: "ForSequenceClassification"
    case .tokenClassification: "ForTokenClassification"
    case .none: "Model"
    }
  }

  public var description: String {
    switch self {
    case .causalLanguageModel: "a head for language modelling"
    case .maskedLanguageModel: "a head for masked language modelling"
    case .classification(let classes): "a head for \(classes) classes"
    case .tokenClassification(let classes): "a head for \(classes) classes of tokens"
    case .none: "no head"
    }
  }

  /// A configuration as `transformers` has it for the same body and this head.
  /// - Parameter isOfNumbers: Whether the network sees images instead of reading texts.
  func renaming(_ config: JSON, isOfNumbers: Bool) -> JSON {
    let old = config["architectures"]?.array?.first?.string ?? ""
    let stem = Self.endings.first { old.hasSuffix($0) }.map { old.dropLast($0.count) } ?? Substring(old)
    let renamed = config.setting("architectures", to: [.string(stem + suffix(isOfNumbers: isOfNumbers))])
    switch self {
    case .classification(let classes), .tokenClassification(let classes):
      let names = (0..<classes).map { "LABEL_\($0)" }
      return renamed.setting("id2label", to: .object(names.enumerated().map { .init(String($0), .string($1)) }))
        .setting("label2id", to: .object(names.enumerated().map { .init($1, .integer($0)) }))
    case .causalLanguageModel, .maskedLanguageModel, .none: return renamed
    }
  }

  /// What the names of classes end in, so that no ending comes behind one that it ends in itself.
  private static let endings = [
    "ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForPreTraining", "ForSequenceClassification",
    "ForImageClassification", "ForTokenClassification", "Model",
  ]

  /// The head that a configuration says the model has: by the class that it names first, and none where it names none.
  /// - Throws: `OperationError` where the class has a head that is not known here.
  init(_ config: ModelConfig) throws {
    guard let name = config.json["architectures"]?.array?.first?.string else {
      self = .none
      return
    }
    switch Self.endings.first(where: { name.hasSuffix($0) }) {
    case "ForCausalLM", "LMHeadModel": self = .causalLanguageModel
    case "ForMaskedLM", "ForPreTraining": self = .maskedLanguageModel
    case "ForSequenceClassification", "ForImageClassification": self = .classification(try config.labels())
    case "ForTokenClassification": self = .tokenClassification(try config.labels())
    case "Model": self = .none
    default:
      throw OperationError(
        .data, "`\(config.label)` is a `\(name)`, and a head like that is not known here",
        notes: ["known are classes whose names end in \(Self.endings.map { "`\($0)`" }.joined(separator: ", "))"])
    }
  }
}
