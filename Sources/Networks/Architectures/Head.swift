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
  public var suffix: String {
    switch self {
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
  func renaming(_ config: JSON) -> JSON {
    let old = config["architectures"]?.array?.first?.string ?? ""
    let endings = [
      "ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForPreTraining", "ForSequenceClassification",
      "ForTokenClassification", "Model",
    ]
    let stem = endings.first { old.hasSuffix($0) }.map { old.dropLast($0.count) } ?? Substring(old)
    let renamed = config.setting("architectures", to: [.string(stem + suffix)])
    switch self {
    case .classification(let classes), .tokenClassification(let classes):
      let names = (0..<classes).map { "LABEL_\($0)" }
      return renamed.setting("id2label", to: .object(names.enumerated().map { .init(String($0), .string($1)) }))
        .setting("label2id", to: .object(names.enumerated().map { .init($1, .integer($0)) }))
    case .causalLanguageModel, .maskedLanguageModel, .none: return renamed
    }
  }

  /// The head that a configuration says the model has.
  init(_ config: ModelConfig) throws {
    let name = config.json["architectures"]?.array?.first?.string ?? ""
    switch name {
    case _ where name.hasSuffix("ForCausalLM") || name.hasSuffix("LMHeadModel"): self = .causalLanguageModel
    case _ where name.hasSuffix("ForMaskedLM") || name.hasSuffix("ForPreTraining"): self = .maskedLanguageModel
    case _ where name.hasSuffix("ForSequenceClassification") || name.hasSuffix("ForImageClassification"):
      self = .classification(try config.labels())
    case _ where name.hasSuffix("ForTokenClassification"): self = .tokenClassification(try config.labels())
    default: self = .none
    }
  }
}
