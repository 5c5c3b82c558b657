import Tensors

/// Some of the columns of each row: a part of what one layer gave for several. Input: (…, width).
struct Columns: Primitive {
  let range: Range<Int>

  func shape(of inputs: [Shape]) -> Shape {
    precondition(range.upperBound <= inputs[0].axes.last ?? 0, "columns \(range) lie within \(inputs[0])")
    return Shape(inputs[0].axes.dropLast() + [range.count])
  }

  var needs: BackwardNeeds { [] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, width) = (inputs[0].floats, inputs[0].width)
    Parallel.ranges(output.rows, cost: range.count) { rows in
      for row in rows {
        (output.floats.base + row * range.count).update(
          from: x.base + row * width + range.lowerBound, count: range.count)
      }
    }
  }

  var addsGradients: Bool { true }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0] else { return }
    if !target.adds { target.floats.zero() }
    let width = target.operand.width
    Parallel.ranges(step.gradient.rows, cost: range.count) { rows in
      for row in rows {
        let from = step.gradient.floats.base + row * range.count
        let to = target.floats.base + row * width + range.lowerBound
        for column in 0..<range.count { to[column] += from[column] }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let width = inputs[0].width
    let entries = (0..<inputs[0].rows).flatMap { row in range.map { inputs[0].entries[row * width + $0] } }
    return PlainTensor(shape: shape(of: inputs.map(\.shape)), entries: entries)
  }
}
