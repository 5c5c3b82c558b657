import Networks
import Tensors
import Testing

@Suite("Gradients")
struct GradientTests {
  @Test("equal float64 finite differences", arguments: [[5, 7, 4, 3], [6, 4], [3, 9, 2]])
  func finiteDifferences(sizes: [Int]) {
    let (network, examples) = randomCase(sizes: sizes, examples: 11, seed: sizes.count)
    let (loss, gradients) = network.lossAndGradients(examples)
    let xs = rows(examples)
    var plain = PlainPerceptron(network)
    #expect(abs(loss - plain.loss(xs, examples.labels)) < 1e-6)
    var expected = gradients.map { $0.map { _ in 0.0 } }
    for index in expected.indices {
      for entry in expected[index].indices {
        let value = plain.parameters[index][entry]
        plain.parameters[index][entry] = value + 1e-6
        let above = plain.loss(xs, examples.labels)
        plain.parameters[index][entry] = value - 1e-6
        let below = plain.loss(xs, examples.labels)
        plain.parameters[index][entry] = value
        expected[index][entry] = (above - below) / 2e-6
      }
    }
    #expect(relativeError(gradients.map { $0.map(Double.init) }, expected) < 1e-5)
  }

  @Test("logits are the same in one batch and in many")
  func batches() {
    let (network, examples) = randomCase(sizes: [6, 8, 3], examples: 600, seed: 3)
    let plain = PlainPerceptron(network)
    let expected = rows(examples).map { plain.activations($0)[2] }
    let logits = network.logits(examples.features)
    #expect(logits.shape == [600, 3])
    #expect(relativeError([logits.doubles], [expected.flatMap { $0 }]) < 1e-6)
  }
}
