import Foundation
import Tensors

extension Network {
  /// The mean over a batch of the entropy of its predictions, −Σ_c p_c log(p_c + 10⁻⁸) in nats, with its gradients.
  public func entropy(_ batch: Batch, into sink: some GradientSink) -> Double {
    let pass = Pass(Tape(memory, recording: true), weights)
    let output = output(pass, batch)
    let width = output.shape.axes.last ?? 1
    let logits = output.entries
    let rows = logits.count / width
    var total = 0.0
    pass.tape.backward(from: output, into: sink) { gradient in
      for row in 0..<rows {
        let p = Softmax(logits[row * width..<(row + 1) * width]).probabilities
        let slopes = p.map { -log($0 + 1e-8) - $0 / ($0 + 1e-8) }
        let mean = zip(p, slopes).reduce(0) { $0 + $1.0 * $1.1 }
        for column in 0..<width {
          gradient[row * width + column] = Float(p[column] * (slopes[column] - mean) / Double(rows))
        }
        total -= p.reduce(0) { $0 + $1 * log($1 + 1e-8) }
      }
    }
    return total / Double(rows)
  }
}
