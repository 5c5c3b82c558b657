import CKernels
import Tensors

/// y = x Wᵀ + b for every row of x: `torch.nn.Linear`, and `Conv1D` of `transformers` where the weight is kept as (in, out).
///
/// Inputs: x (…, in), W (out, in), and b (out) where there is one.
struct LinearLayer: Primitive {
  var isTransposed = false

  func shape(of inputs: [Shape]) -> Shape {
    let (outputs, width) = size(inputs[1])
    precondition(inputs[0].axes.last == width, "rows of \(inputs[0]) are multiplied by a weight of \(inputs[1])")
    return Shape(inputs[0].axes.dropLast() + [outputs])
  }

  private func size(_ weight: Shape) -> (outputs: Int, inputs: Int) {
    isTransposed ? (weight[1], weight[0]) : (weight[0], weight[1])
  }

  /// The weight in memory, as (out, in).
  private func matrix(_ weight: Operand) -> MatrixView { isTransposed ? weight.matrix.transposed : weight.matrix }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, weight) = (inputs[0], inputs[1])
    let (outputs, width) = size(weight.shape)
    if inputs.count > 2 {
      let bias = inputs[2].floats
      Parallel.ranges(x.rows, cost: outputs) { rows in
        kernel_fill_rows(output.floats.base + rows.lowerBound * outputs, bias.base, rows.count, outputs, outputs)
      }
    }
    let product = MatrixProduct(rows: x.rows, columns: outputs, inner: width, keep: inputs.count > 2 ? 1 : 0)
    product.inPieces(x.matrix, matrix(weight).transposed, into: output.matrix)
  }

  var addsGradients: Bool { true }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, weight, gradient) = (step.inputs[0], step.inputs[1], step.gradient)
    let (outputs, width) = size(weight.shape)
    if let target = targets[0] {
      let product = MatrixProduct(rows: x.rows, columns: width, inner: outputs, keep: target.adds ? 1 : 0)
      product.inPieces(gradient.matrix, matrix(weight), into: target.operand.matrix)
    }
    if let target = targets[1] {
      let keep: Float = target.adds ? 1 : 0
      if isTransposed {
        MatrixProduct(rows: width, columns: outputs, inner: x.rows, keep: keep)
          .inPieces(x.matrix.transposed, gradient.matrix, into: target.operand.matrix)
      } else {
        MatrixProduct(rows: outputs, columns: width, inner: x.rows, keep: keep)
          .inPieces(gradient.matrix.transposed, x.matrix, into: target.operand.matrix)
      }
    }
    if targets.count > 2, let target = targets[2] {
      if !target.adds { target.floats.zero() }
      gradient.addRows(to: target.floats)
    }
  }

  // MARK: Squares

  /// Rows of a weight's gradient that are worked on at once, so that they stay in the cache.
  private static let block = 64

  func squaresScratch(for inputs: [Shape], examples: Int) -> Int {
    let rows = inputs[0].count / max(inputs[1].count == 0 ? 1 : size(inputs[1]).inputs, 1)
    let (outputs, width) = size(inputs[1])
    return rows == examples ? rows * (outputs + width) + inputs[1].count : Parallel.most * Self.block * inputs[1][1]
  }

  /// With one row an example, the gradient is the outer product of δ and x, so that the squares' sum is (δ∘δ)ᵀ(x∘x). With more,
  /// each example's product is squared a block of rows at a time.
  func addSquares(
    of input: Int, _ step: BackwardStep, examples: Int, to sums: UnsafeMutableBufferPointer<Double>
  ) -> Bool {
    guard input == 1, let base = sums.baseAddress else { return false }
    let (x, gradient) = (step.inputs[0], step.gradient)
    // What is kept as (in, out) has the roles of x and δ exchanged.
    let (left, right) = isTransposed ? (x, gradient) : (gradient, x)
    if x.rows == examples {
      addOuterSquares(left, right, step.scratch, to: base)
    } else {
      addProductSquares(left, right, examples: examples, step.scratch, to: base)
    }
    return true
  }

  private func addOuterSquares(
    _ left: Operand, _ right: Operand, _ scratch: Floats, to sums: UnsafeMutablePointer<Double>
  ) {
    let (a, b) = (left.shape.count, right.shape.count)
    let squares = (scratch[0..<a], scratch[a..<a + b], scratch[(a + b)..<a + b + left.width * right.width])
    kernel_square(left.floats.base, squares.0.base, a)
    kernel_square(right.floats.base, squares.1.base, b)
    MatrixProduct(rows: left.width, columns: right.width, inner: left.rows)
      .inPieces(
        squares.0.matrix(width: left.width).transposed, squares.1.matrix(width: right.width),
        into: squares.2.matrix(width: right.width))
    nonisolated(unsafe) let target = sums
    Parallel.ranges(squares.2.count, cost: 1) { range in
      kernel_add_scaled(target + range.lowerBound, squares.2.base + range.lowerBound, range.count, 1, 0)
    }
  }

  private func addProductSquares(
    _ left: Operand, _ right: Operand, examples: Int, _ scratch: Floats, to sums: UnsafeMutablePointer<Double>
  ) {
    nonisolated(unsafe) let target = sums
    let (rows, width, each) = (left.width, right.width, left.rows / examples)
    let blocks = (rows + Self.block - 1) / Self.block
    Parallel.each(min(blocks, Parallel.most), of: blocks) { piece, blocks in
      let room = scratch[piece * Self.block * width..<(piece + 1) * Self.block * width]
      for block in blocks {
        let start = block * Self.block
        let count = min(Self.block, rows - start)
        for example in 0..<examples {
          let part = left.floats.base + example * each * rows + start
          MatrixProduct(rows: count, columns: width, inner: each)(
            MatrixView(part, stride: rows, isTransposed: true),
            MatrixView(right.floats.base + example * each * width, stride: width), into: room.matrix(width: width))
          kernel_add_squares(target + start * width, room.base, count * width, 1)
        }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let (outputs, width) = size(inputs[1].shape)
    var result = PlainTensor(zeros: shape(of: inputs.map(\.shape)))
    for row in 0..<inputs[0].rows {
      for output in 0..<outputs {
        var sum = inputs.count > 2 ? inputs[2].entries[output] : 0
        for index in 0..<width {
          let place = isTransposed ? index * outputs + output : output * width + index
          sum += inputs[0].entries[row * width + index] * inputs[1].entries[place]
        }
        result.entries[row * outputs + output] = sum
      }
    }
    return result
  }
}

extension Operand {
  /// Adds all rows to sums, each column from the first row to the last in float64.
  func addRows(to sums: Floats) {
    let (rows, width) = (rows, width)
    let columns = (width + 15) / 16
    Parallel.ranges(columns, cost: rows * 16) { range in
      let (start, end) = (range.lowerBound * 16, min(range.upperBound * 16, width))
      guard start < end else { return }
      kernel_add_rows(sums.base + start, floats.base + start, rows, width, end - start)
    }
  }
}
