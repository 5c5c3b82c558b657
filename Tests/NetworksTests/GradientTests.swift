import Formats
import Foundation
import Tensors
import Testing

@testable import Networks

/// Whole networks and their losses beside a perceptron written plainly in float64.
struct GradientTests {
  @Test("gradients equal float64 finite differences", arguments: [[5, 7, 4, 3], [6, 4], [3, 9, 2]])
  func finiteDifferences(sizes: [Int]) throws {
    let (network, examples) = try randomCase(sizes: sizes, examples: 11, seed: sizes.count)
    let pass = Pass(Tape(network.memory, recording: true), network.weights)
    let output = network.output(pass, .numbers(examples.features))
    let loss = examples.objective.losses(output).reduce(0, +) / 11
    let sink = SummedGradients(network.memory)
    pass.tape.backward(from: output, into: sink) { gradient in
      examples.objective.writeGradient(output, into: gradient) { _ in 1 / 11 }
    }
    let gradients = network.weights.all.map { sink.gradient(of: $0)?.doubles ?? [] }
    let xs = examples.rows
    var plain = PlainPerceptron(network, sizes: sizes)
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
    #expect(relativeError(gradients, expected) < 1e-5)
  }

  @Test("entropy has the gradient of its definition")
  func entropy() throws {
    let sizes = [4, 6, 3]
    let (network, examples) = try randomCase(sizes: sizes, examples: 9, seed: 6)
    let sink = SummedGradients(network.memory)
    let found = network.entropy(.numbers(examples.features), into: sink)
    var plain = PlainPerceptron(network, sizes: sizes)
    func entropy() -> Double {
      examples.rows.reduce(0) { sum, x in
        sum - plain.probabilities(x).reduce(0) { $0 + $1 * log($1 + 1e-8) }
      } / 9
    }
    #expect(abs(found - entropy()) < 1e-6)
    for (tensor, parameter) in network.weights.all.enumerated() {
      let gradient = sink.gradient(of: parameter)?.doubles ?? []
      for entry in stride(from: 0, to: gradient.count, by: 5) {
        let value = plain.parameters[tensor][entry]
        plain.parameters[tensor][entry] = value + 1e-5
        let above = entropy()
        plain.parameters[tensor][entry] = value - 1e-5
        let below = entropy()
        plain.parameters[tensor][entry] = value
        #expect(abs(gradient[entry] - (above - below) / 2e-5) < 1e-5)
      }
    }
  }

  @Test("a step that is taken in parts is the same step")
  func parts() throws {
    func trained(parts: Int) throws -> [[Double]] {
      let (network, examples) = try randomCase(sizes: [5, 6, 3], examples: 12, seed: 4)
      let training = Training(network, AdamW(weightDecay: 0.1), clip: 0.5)
      for _ in 0..<5 {
        for (batch, objective) in examples.batches(of: 12 / parts) { _ = training.add(batch, objective, of: 12) }
        training.step(rate: 0.05)
      }
      return network.weights.all.map { $0.tensor.doubles }
    }
    #expect(relativeError(try trained(parts: 3), try trained(parts: 1)) < 1e-5)
  }

  @Test("the peak of a pass is known before it is made")
  func peak() throws {
    let (network, examples) = try randomCase(sizes: [50, 64, 10], examples: 40, seed: 5)
    let batch = Batch.numbers(examples.features)
    let known = network.blueprint.peak(examples: 40, length: 1, .gradients)
    let pass = Pass(Tape(network.memory, recording: true), network.weights)
    let output = network.output(pass, batch)
    let sink = SummedGradients(network.memory)
    pass.tape.backward(from: output, into: sink) { examples.objective.writeGradient(output, into: $0) { _ in 1 } }
    #expect(known == network.memory.peak)
    #expect(known > 0)
  }

  @Test("blocks that are worked out again give the same bits in less memory, and the peak is known before")
  func recomputing() throws {
    let config: JSON = [
      "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 50, "hidden_size": 32,
      "intermediate_size": 80, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2,
      "max_position_embeddings": 64,
    ]
    let tensors = try Blueprint.tensors(of: config, label: "m")
    let blueprint = try Blueprint(config: config, tensors: tensors, of: "m")
    let batch = TextBatch((0..<4).map { text in (0..<40).map { ($0 * 7 + text) % 50 } }, padding: 0)
    let objective = Objective(.nextTokens(of: batch, unscored: [1, 1, 1, 1]))
    func gradients(recomputes: Bool) -> (peak: Int, gradients: [[Float]]) {
      let network = blueprint.network { name in
        let shape = tensors.first { $0.name == name }?.shape ?? []
        var generator = Generator(seed: 3, stream: "weights", name)
        return Tensor((0..<shape.count).map { _ in Float(0.2 * generator.gaussian()) }, shape: shape)
      }
      for parameter in network.weights.all { parameter.isTrainable = true }
      let pass = Pass(Tape(network.memory, recording: true), network.weights, recomputes: recomputes)
      let output = network.output(pass, .texts(batch))
      let sink = SummedGradients(network.memory)
      pass.tape.backward(from: output, into: sink) { objective.writeGradient(output, into: $0) { _ in 1 } }
      let known = blueprint.peak(examples: 4, length: 40, .gradients, recomputes: recomputes)
      #expect(network.memory.peak == known)
      return (known, network.weights.all.map { sink.gradient(of: $0)?.floats ?? [] })
    }
    let (kept, again) = (gradients(recomputes: false), gradients(recomputes: true))
    #expect(again.gradients == kept.gradients)
    #expect(again.peak * 2 < kept.peak)
  }
}
