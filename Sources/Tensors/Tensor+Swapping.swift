extension Tensor {
  /// b + w (x − b) with w = t / max(|x − b|, 10⁻⁶), from 0 to 1, as float32: what lies within t of the base becomes x, and
  /// what lies farther off moves by t.
  public static func nearSwap(_ base: Tensor, _ model: Tensor, within distance: Double) -> Tensor {
    let shape = commonShape([base, model])
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: blockLength) { second in
        inBlocks(0..<shape.count) { block, scratch in
          let target = UnsafeMutableBufferPointer(rebasing: result[block])
          base.withFloats(block, scratch) { base in
            model.withFloats(block, second) { model in
              for index in 0..<block.count {
                let (b, x) = (Double(base[index]), Double(model[index]))
                let apart = (x - b).magnitude
                let share = distance / (apart < 1e-6 ? 1e-6 : apart)
                let inside = share < 0 ? 0 : share
                let weight = inside > 1 ? 1 : inside
                target[index] = Float(weight * x + (1 - weight) * b)
              }
            }
          }
        }
      }
    }
  }

  /// One tensor's entries where those of a third are at least a threshold, the other's elsewhere, as float32.
  public static func choosing(
    _ first: Tensor, where measure: Tensor, isAtLeast threshold: Double, else second: Tensor
  ) -> Tensor {
    let shape = commonShape([first, measure, second])
    return Tensor(shape: shape) { result in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * blockLength) { memory in
        let other = UnsafeMutableBufferPointer(rebasing: memory[..<blockLength])
        let third = UnsafeMutableBufferPointer(rebasing: memory[blockLength...])
        inBlocks(0..<shape.count) { block, scratch in
          let target = UnsafeMutableBufferPointer(rebasing: result[block])
          measure.withFloats(block, third) { measure in
            first.withFloats(block, scratch) { first in
              second.withFloats(block, other) { second in
                for index in 0..<block.count {
                  target[index] = Double(measure[index]) >= threshold ? first[index] : second[index]
                }
              }
            }
          }
        }
      }
    }
  }
}
