import Foundation
import Operations
import Tensors

/// One factor of a layer whose skills are mixed for a task: Poly (Ponti et al. 2023), and with several splits MHR (Caccia et
/// al. 2023).
///
/// The layer's inputs (or outputs) are split into K blocks. Of a task's logits z, viewed as K×S, each block takes
/// `w = σ(z) / (Σ σ(z) + 10⁻¹²)` over the S skills, and its rows are Σₛ wₛ · bank[block, s]. The factors are averaged, not
/// what they multiply to.
public struct SkillMixture: Sendable {
  /// Which side of the layer the bank belongs to, and so how it lies.
  public enum Side: Sendable {
    /// (K, S, in / K, r): gives (r, in).
    case input
    /// (K, S, r, out / K): gives (out, r).
    case output
  }

  public let bank: TensorEntry
  /// The tasks' logits: (tasks, K · S).
  public let router: TensorEntry
  public let side: Side
  public let task: Int

  public init(_ bank: TensorEntry, _ router: TensorEntry, _ side: Side, task: Int) {
    (self.bank, self.router, self.side, self.task) = (bank, router, side, task)
  }

  var size: (rows: Int, columns: Int)? {
    let (bank, logits) = (bank.shape.axes, router.shape.axes)
    guard bank.count == 4, logits.count == 2, logits[1] == bank[0] * bank[1], task < logits[0] else { return nil }
    return side == .input ? (bank[3], bank[0] * bank[2]) : (bank[0] * bank[3], bank[2])
  }

  /// A task's weights of the skills, split by split.
  public static func weights(_ logits: [Double], splits: Int, skills: Int) -> [[Double]] {
    (0..<splits).map { split in
      let open = logits[split * skills..<(split + 1) * skills].map { 1 / (1 + exp(-$0)) }
      let sum = open.reduce(0, +) + 1e-12
      return open.map { $0 / sum }
    }
  }

  func matrix(_ read: (TensorEntry) throws -> Tensor) throws -> DoubleMatrix {
    let (splits, skills) = (bank.shape[0], bank.shape[1])
    let logits = try read(router).doubles[task * splits * skills..<(task + 1) * splits * skills]
    return mixed(try read(bank), Self.weights(Array(logits), splits: splits, skills: skills))
  }

  /// The factor with these weights of each split's skills, whatever the router says.
  public func mixed(_ bank: Tensor, _ weights: [[Double]]) -> DoubleMatrix {
    let (skills, height, width) = (bank.shape[1], bank.shape[2], bank.shape[3])
    let entries = bank.doubles
    let blocks = weights.enumerated().map { split, weights in
      var block = DoubleMatrix(zeros: height, width)
      for (skill, weight) in weights.enumerated() {
        let start = (split * skills + skill) * height * width
        for row in 0..<height {
          for column in 0..<width { block[row, column] += weight * entries[start + row * width + column] }
        }
      }
      return block
    }
    return (side == .input ? DoubleMatrix.stacked(blocks) : .beside(blocks)).transposed
  }
}
