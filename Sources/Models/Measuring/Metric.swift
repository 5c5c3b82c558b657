import Operations

/// What can be said of a model on examples.
public enum Metric: String, Choice {
  case accuracy
  case exactMatch = "exact_match"
  case f1
  case entityF1 = "entity_f1"
  case matthews, loss, perplexity
  case bitsPerByte = "bits_per_byte"
  case calibrationError = "calibration_error"
  case pearson, spearman

  public var text: String {
    switch self {
    case .accuracy: "Share of the examples, or words, whose label is the most probable class; higher is better."
    case .exactMatch: "Share of the examples whose answer is generated as it stands; higher is better."
    case .f1: "Harmonic mean of precision and recall, averaged over the classes; higher is better."
    case .entityF1: "Harmonic mean of precision and recall of whole entities, all classes together; higher is better."
    case .matthews: "Matthews' correlation of predictions and labels, from −1 to 1; higher is better."
    case .loss:
      "Mean cross-entropy in nats, for a language model per scored token, or mean squared error of outputs, or cosines; lower is better."
    case .perplexity: "The exponential of a language model's loss; lower is better."
    case .bitsPerByte: "Bits that a language model needs for a byte of the texts; lower is better."
    case .calibrationError: "How far probabilities are from frequencies, over 15 bins; lower is better."
    case .pearson: "Pearson's correlation of outputs, or cosines, with the data's numbers; higher is better."
    case .spearman: "Spearman's rank correlation of outputs, or cosines, with the data's numbers; higher is better."
    }
  }

  public var isBetterHigher: Bool {
    switch self {
    case .loss, .perplexity, .bitsPerByte, .calibrationError: false
    case .accuracy, .exactMatch, .f1, .entityF1, .matthews, .pearson, .spearman: true
    }
  }
}
