import CKernels
import Tensors

/// A matrix with other rows in the place of some: tokens of an embedding that are trained alone.
///
/// Inputs: the matrix (rows, width) and what replaces the rows at `places` (places, width); output: (rows, width).
struct RowReplacement: Primitive {
  /// No row twice.
  let places: [Int]

  func shape(of inputs: [Shape]) -> Shape {
    precondition(
      inputs[1].count == places.count * inputs[0][1] && places.allSatisfy { $0 < inputs[0][0] },
      "rows \(places) of \(inputs[0]) are replaced by \(inputs[1])")
    return inputs[0]
  }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let width = inputs[0].width
    output.floats.copy(from: inputs[0].floats)
    for (number, place) in places.enumerated() {
      (output.floats.base + place * width).update(from: inputs[1].floats.base + number * width, count: width)
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let width = step.gradient.width
    targets[0]?.floats.copy(from: step.gradient.floats)
    for (number, place) in places.enumerated() {
      if let target = targets[0] { (target.floats.base + place * width).update(repeating: 0, count: width) }
      if let target = targets[1] {
        (target.floats.base + number * width).update(from: step.gradient.floats.base + place * width, count: width)
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    var result = inputs[0]
    let width = inputs[0].width
    for (number, place) in places.enumerated() {
      for column in 0..<width { result.entries[place * width + column] = inputs[1].entries[number * width + column] }
    }
    return result
  }
}
