import Foundation
import Tensors

/// Entries of a tensor in another order, or some of them: part of a tensor as a matrix, or one of its axes against the others.
struct Picking: Primitive {
  /// Where each entry of the result comes from; 0 is put where there is nothing.
  let places: [Int?]
  let result: Shape

  func shape(of inputs: [Shape]) -> Shape { result }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    for (index, place) in places.enumerated() {
      output.floats.base[index] = place.map { inputs[0].floats.base[$0] } ?? 0
    }
  }

  var addsGradients: Bool { true }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0] else { return }
    if !target.adds { target.floats.zero() }
    for case (let index, let place?) in places.enumerated() {
      target.floats.base[place] += step.gradient.floats.base[index]
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    PlainTensor(shape: result, entries: places.map { place in place.map { inputs[0].entries[$0] } ?? 0 })
  }
}

/// A ⊗ B of two matrices. Inputs: A (m, n) and B (p, q); output (m p, n q).
struct KroneckerProduct: Primitive {
  func shape(of inputs: [Shape]) -> Shape { [inputs[0][0] * inputs[1][0], inputs[0][1] * inputs[1][1]] }

  /// Goes over the result in rows of B: what B's row is multiplied by, where that row lies, and where the product does.
  private func rows(_ a: Shape, _ b: Shape, _ body: (_ entry: Int, _ row: Int, _ place: Int) -> Void) {
    for i in 0..<a[0] {
      for k in 0..<b[0] {
        for j in 0..<a[1] { body(i * a[1] + j, k * b[1], ((i * b[0] + k) * a[1] + j) * b[1]) }
      }
    }
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (a, b, width) = (inputs[0].floats.base, inputs[1].floats.base, inputs[1].shape[1])
    rows(inputs[0].shape, inputs[1].shape) { entry, row, place in
      for column in 0..<width { output.floats.base[place + column] = a[entry] * b[row + column] }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (a, b, width) = (step.inputs[0], step.inputs[1], step.inputs[1].shape[1])
    let gradient = step.gradient.floats.base
    if let target = targets[0]?.floats {
      target.zero()
      rows(a.shape, b.shape) { entry, row, place in
        var sum: Float = 0
        for column in 0..<width { sum += gradient[place + column] * b.floats.base[row + column] }
        target.base[entry] += sum
      }
    }
    if let target = targets[1]?.floats {
      target.zero()
      rows(a.shape, b.shape) { entry, row, place in
        for column in 0..<width { target.base[row + column] += gradient[place + column] * a.floats.base[entry] }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let (a, b) = (inputs[0], inputs[1])
    var result = PlainTensor(zeros: shape(of: inputs.map(\.shape)))
    for index in result.entries.indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: result.width)
      let (i, k) = row.quotientAndRemainder(dividingBy: b.shape[0])
      let (j, l) = column.quotientAndRemainder(dividingBy: b.width)
      result.entries[index] = a.entries[i * a.width + j] * b.entries[k * b.width + l]
    }
    return result
  }
}

/// What each row of a matrix is multiplied by to get a length; 1 for a row of zeros. Inputs: lengths (rows), and the matrix.
struct LengthFactors: Primitive {
  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  private func length(_ row: Int, _ matrix: Operand) -> Double {
    var sum = 0.0
    for column in 0..<matrix.width {
      let entry = Double(matrix.floats.base[row * matrix.width + column])
      sum += entry * entry
    }
    return sum.squareRoot()
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    Parallel.ranges(inputs[0].shape.count, cost: inputs[1].width) { range in
      for row in range {
        let length = length(row, inputs[1])
        output.floats.base[row] = length > 0 ? Float(Double(inputs[0].floats.base[row]) / length) : 1
      }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (wanted, matrix) = (step.inputs[0].floats.base, step.inputs[1])
    for row in 0..<step.inputs[0].shape.count {
      let (length, gradient) = (length(row, matrix), Double(step.gradient.floats.base[row]))
      targets[0]?.floats.base[row] = length > 0 ? Float(gradient / length) : 0
      guard let target = targets[1]?.floats else { continue }
      let slope = length > 0 ? -gradient * Double(wanted[row]) / (length * length * length) : 0
      for index in row * matrix.width..<(row + 1) * matrix.width {
        target.base[index] = Float(slope * Double(matrix.floats.base[index]))
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let width = inputs[1].width
    let entries = inputs[0].entries.enumerated().map { row, wanted in
      let squares = inputs[1].entries[row * width..<(row + 1) * width].reduce(0) { $0 + $1 * $1 }
      return squares > 0 ? wanted / squares.squareRoot() : 1
    }
    return PlainTensor(shape: inputs[0].shape, entries: entries)
  }
}
