import Foundation
import Tensors
import Testing

@testable import Networks

@Suite("Scores")
struct ScoresTests {
  /// Logits of two classes under which the first has this probability.
  private func logits(_ probability: Double) -> [Float] { [Float(log(probability / (1 - probability))), 0] }

  @Test("are what they are by hand")
  func byHand() {
    let probabilities = [0.9, 0.8, 0.3, 0.6]
    let tensor = Tensor(probabilities.flatMap(logits), shape: [4, 2])
    let scores = Scores(logits: tensor, labels: [0, 1, 1, 0])
    #expect(scores.predictions == [0, 0, 1, 0])
    #expect(scores.hits == [true, false, true, true])
    #expect(scores.accuracy == 0.75)
    let loss = -(log(0.9) + log(0.2) + log(0.7) + log(0.6)) / 4
    #expect(abs(scores.loss - loss) < 1e-6)
    // Each confidence (0.9, 0.8, 0.7, 0.6) has a bin of its own: |1 − 0.9|, |0 − 0.8|, |1 − 0.7|, |1 − 0.6|.
    #expect(abs(scores.calibrationError - (0.1 + 0.8 + 0.3 + 0.4) / 4) < 1e-6)
  }

  @Test("share a bin where confidences are near each other")
  func oneBin() {
    let tensor = Tensor([0.91, 0.92, 0.93].flatMap(logits), shape: [3, 2])
    let scores = Scores(logits: tensor, labels: [0, 0, 1])
    #expect(abs(scores.calibrationError - abs(2 - 0.91 - 0.92 - 0.93) / 3) < 1e-6)
  }

  @Test("stay finite where logits are extreme, and ties go to the first class")
  func extremes() {
    let scores = Scores(logits: Tensor([1000, -1000, 5, 5], shape: [2, 2]), labels: [1, 1])
    #expect(scores.losses[0] == 2000)
    #expect(scores.predictions == [0, 0])
    #expect(scores.confidences == [1, 0.5])
  }

  @Test("have bootstrap intervals of the middle of what was resampled")
  func bootstrap() {
    #expect(Bootstrap.interval((0...100).map(Double.init).reversed(), confidence: 0.5) == 25...75)
    #expect(Bootstrap.interval([3, 3, 3], confidence: 0.95) == 3...3)
    #expect(Bootstrap.quantile([1, 2, 4], 0.75) == 3)
  }

  @Test("find entities as CoNLL's script does")
  func entities() {
    let tags = ["O", "B-PER", "I-PER", "I-LOC", "B-LOC", "O", "I-PER"]
    #expect(Entities(tags).count == 4)
    #expect(Entities(tags).shared(with: Entities(tags)) == 4)
    #expect(Entities(tags).shared(with: Entities(["O", "B-PER", "O", "I-LOC", "B-LOC", "O", "B-PER"])) == 3)
    #expect(Entities(["S-A", "B-A", "E-A", "I-A"]).count == 3)
    #expect(Entities(["O", "O"]).count == 0)
    #expect(Entities.areNames(["O", "B-PER", "I-PER"]) && !Entities.areNames(["NOUN", "O"]))
  }
}
