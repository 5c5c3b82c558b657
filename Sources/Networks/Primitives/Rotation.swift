import CKernels
import Foundation
import Tensors

/// Rotary position embedding (Su et al. 2021): entries i and i + half of each head are turned by the angle of their position.
///
/// Input: (examples, positions, heads · d). Entries of a head beyond 2 · half stay as they are.
struct Rotation: Primitive {
  let heads: Int
  let angles: RotaryAngles

  func shape(of inputs: [Shape]) -> Shape {
    let (examples, places) = (inputs[0][0], inputs[0][1])
    precondition(
      angles.tables == 1 ? places <= angles.positions : places == angles.positions && examples == angles.tables,
      "there are angles for \(angles.positions) positions of \(angles.tables) examples")
    return inputs[0]
  }

  /// Rows after which the angles begin again.
  private func period(_ x: Shape) -> Int { angles.tables * x[1] }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    turn(inputs[0], into: output, backwards: false)
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    if let target = targets[0] { turn(step.gradient, into: target.operand, backwards: true) }
  }

  private func turn(_ x: Operand, into result: Operand, backwards: Bool) {
    let (length, width) = (period(x.shape), x.width)
    angles.cosines.withUnsafeBufferPointer { cosines in
      angles.sines.withUnsafeBufferPointer { sines in
        nonisolated(unsafe) let (cosines, sines) = (cosines, sines)
        Parallel.ranges(x.rows, cost: 2 * width) { rows in
          kernel_rotate(
            x.floats.base + rows.lowerBound * width, result.floats.base + rows.lowerBound * width, cosines.baseAddress,
            sines.baseAddress, rows.count, rows.lowerBound, length, heads, width / heads, angles.half,
            backwards ? 1 : 0)
        }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    var result = inputs[0]
    let (length, width) = (period(inputs[0].shape), inputs[0].width / heads)
    for row in 0..<inputs[0].rows {
      for head in 0..<heads {
        for index in 0..<angles.half {
          let table = row % length * angles.half + index
          let (c, s) = (Double(angles.cosines[table]), Double(angles.sines[table]))
          let first = (row * heads + head) * width + index
          let (a, b) = (inputs[0].entries[first], inputs[0].entries[first + angles.half])
          result.entries[first] = a * c - b * s
          result.entries[first + angles.half] = b * c + a * s
        }
      }
    }
    return result
  }
}

/// The cosines and sines of rotary embeddings: a row a position, an angle a column.
struct RotaryAngles: Sendable {
  let positions: Int
  /// Angles a position.
  let half: Int
  /// One for all examples, or one for each, below each other.
  let tables: Int
  let cosines: [Float]
  let sines: [Float]

  /// - Parameters:
  ///   - first: The position of each example's first place; 0 for all where it is empty.
  ///   - frequencies: The angle between a position and the next, for each pair; once for all examples, or for each of them.
  ///   - scale: Multiplies all cosines and sines (the attention factor of YaRN and LongRoPE).
  init(positions: Int, first: [Int] = [], frequencies: [[Double]], scale: Double = 1) {
    self.positions = positions
    half = frequencies.first?.count ?? 0
    tables = first.isEmpty ? frequencies.count : first.count
    // As `transformers` has it: the angle is a product in float32.
    let angles = (0..<tables).flatMap { table in
      let own = frequencies[frequencies.count == 1 ? 0 : table]
      let start = first.isEmpty ? 0 : first[table]
      return (0..<positions).flatMap { position in own.map { Float(start + position) * Float($0) } }
    }
    cosines = angles.map { Float(cos(Double($0)) * scale) }
    sines = angles.map { Float(sin(Double($0)) * scale) }
  }
}
