import Models
import Operations
import Tensors

/// What can be said of a model on examples.
enum Measure: String, Choice {
  case accuracy, f1, matthews, loss, perplexity
  case bitsPerByte = "bits_per_byte"
  case calibrationError = "calibration_error"
  case pearson, spearman

  var text: String {
    switch self {
    case .accuracy: "Share of the examples whose label is the most probable class; higher is better."
    case .f1: "Harmonic mean of precision and recall, averaged over the classes; higher is better."
    case .matthews: "Matthews' correlation of predictions and labels, from −1 to 1; higher is better."
    case .loss:
      "Mean cross-entropy in nats, for a language model per scored token, or mean squared error; lower is better."
    case .perplexity: "The exponential of a language model's loss; lower is better."
    case .bitsPerByte: "Bits that a language model needs for a byte of the texts; lower is better."
    case .calibrationError: "How far probabilities are from frequencies, over 15 bins; lower is better."
    case .pearson: "Pearson's correlation of outputs, or cosines, with the data's numbers; higher is better."
    case .spearman: "Spearman's rank correlation of outputs, or cosines, with the data's numbers; higher is better."
    }
  }

  /// Those that a task allows.
  static func known(for task: ModelData.Task) -> [Measure] {
    switch task {
    case .classes: [.accuracy, .f1, .matthews, .loss, .calibrationError]
    case .numbers: [.loss, .pearson, .spearman]
    case .nextTokens: [.loss, .perplexity, .bitsPerByte]
    case .none: [.pearson, .spearman]
    }
  }
}

/// What came out of running a model over examples.
struct Measurement {
  /// Each with the values of the examples that it is a mean of, and how much each counts.
  struct Mean {
    let measure: Measure
    let values: [Double]
    /// All the same where it is empty.
    var weights: [Double] = []
  }

  var figures: [Measure: Double] = [:]
  var means: [Mean] = []
  var counts: [(name: String, count: Int)] = []
  /// Scores of each example.
  var scores: [(name: String, tensor: Tensor)] = []
}
