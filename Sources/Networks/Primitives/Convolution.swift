import CKernels
import Tensors

/// A two-dimensional convolution, as `torch.nn.Conv2d` has it without groups and dilation.
///
/// Inputs: x (examples, channels, height, width), W (outputs, channels, k, l), and b (outputs) where there is one. Each example's
/// windows are laid out as columns and multiplied by the weight.
struct Convolution: Primitive {
  let stride: Int
  let padding: Int

  /// What one example's columns are made of.
  private struct Sizes {
    let channels, height, width, kernelHeight, kernelWidth, outputs, stride, padding: Int

    init(_ x: Shape, _ weight: Shape, _ convolution: Convolution) {
      precondition(x.rank == 4 && weight.rank == 4 && x[1] == weight[1], "\(x) is not convolved with \(weight)")
      (channels, height, width) = (x[1], x[2], x[3])
      (outputs, kernelHeight, kernelWidth) = (weight[0], weight[2], weight[3])
      (stride, padding) = (convolution.stride, convolution.padding)
    }

    var outputHeight: Int { (height + 2 * padding - kernelHeight) / stride + 1 }
    var outputWidth: Int { (width + 2 * padding - kernelWidth) / stride + 1 }
    var places: Int { outputHeight * outputWidth }
    /// Entries of a window.
    var window: Int { channels * kernelHeight * kernelWidth }
    var example: Int { channels * height * width }

    /// Calls `body` with each entry of a column's row that lies in the image: its place among the columns and in the image.
    @inline(__always)
    func forEach(_ row: Int, _ body: (_ place: Int, _ pixel: Int) -> Void) {
      let (channel, inner) = row.quotientAndRemainder(dividingBy: kernelHeight * kernelWidth)
      let (down, across) = inner.quotientAndRemainder(dividingBy: kernelWidth)
      for y in 0..<outputHeight {
        let line = y * stride + down - padding
        guard line >= 0, line < height else { continue }
        for x in 0..<outputWidth {
          let column = x * stride + across - padding
          guard column >= 0, column < width else { continue }
          body(y * outputWidth + x, (channel * height + line) * width + column)
        }
      }
    }
  }

  func shape(of inputs: [Shape]) -> Shape {
    let sizes = Sizes(inputs[0], inputs[1], self)
    return [inputs[0][0], sizes.outputs, sizes.outputHeight, sizes.outputWidth]
  }

  private func pieces(_ x: Shape, _ sizes: Sizes) -> Int {
    Parallel.pieces(x[0], cost: 2 * sizes.window * sizes.places * sizes.outputs)
  }

  func scratch(for inputs: [Shape]) -> Int {
    let sizes = Sizes(inputs[0], inputs[1], self)
    return max(pieces(inputs[0], sizes), 2) * sizes.window * sizes.places
  }

  /// (window, places): a window's entries in each column.
  private func writeColumns(_ x: Floats, _ sizes: Sizes, _ rows: Range<Int>, into columns: Floats) {
    for row in rows {
      let target = columns[row * sizes.places..<(row + 1) * sizes.places]
      target.zero()
      sizes.forEach(row) { target.base[$0] = x.base[$1] }
    }
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, weight) = (inputs[0], inputs[1])
    let sizes = Sizes(x.shape, weight.shape, self)
    let run = sizes.outputs * sizes.places
    let product = MatrixProduct(
      rows: sizes.outputs, columns: sizes.places, inner: sizes.window, keep: inputs.count > 2 ? 1 : 0)
    Parallel.each(pieces(x.shape, sizes), of: x.shape[0]) { piece, examples in
      let room = sizes.window * sizes.places
      let columns = scratch[piece * room..<(piece + 1) * room]
      for example in examples {
        let image = x.floats[example * sizes.example..<(example + 1) * sizes.example]
        writeColumns(image, sizes, 0..<sizes.window, into: columns)
        let result = output.floats[example * run..<(example + 1) * run]
        if inputs.count > 2 {
          for channel in 0..<sizes.outputs {
            (result.base + channel * sizes.places).update(
              repeating: inputs[2].floats.base[channel], count: sizes.places)
          }
        }
        product(
          weight.floats.matrix(width: sizes.window), columns.matrix(width: sizes.places),
          into: result.matrix(width: sizes.places))
      }
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, weight) = (step.inputs[0], step.inputs[1])
    let sizes = Sizes(x.shape, weight.shape, self)
    let (run, room) = (sizes.outputs * sizes.places, sizes.window * sizes.places)
    let (columns, changes) = (step.scratch[0..<room], step.scratch[room..<2 * room])
    targets[0]?.floats.zero()
    targets[1]?.floats.zero()
    if targets.count > 2 { targets[2]?.floats.zero() }
    // One example after the other, so that sums have one order; each product is shared out.
    for example in 0..<x.shape[0] {
      let gradient = step.gradient.floats[example * run..<(example + 1) * run]
      if let target = targets[1] {
        let image = x.floats[example * sizes.example..<(example + 1) * sizes.example]
        Parallel.ranges(sizes.window, cost: sizes.places) { writeColumns(image, sizes, $0, into: columns) }
        MatrixProduct(rows: sizes.outputs, columns: sizes.window, inner: sizes.places, keep: 1)
          .inPieces(
            gradient.matrix(width: sizes.places), columns.matrix(width: sizes.places).transposed,
            into: target.floats.matrix(width: sizes.window))
      }
      if let target = targets[0] {
        MatrixProduct(rows: sizes.window, columns: sizes.places, inner: sizes.outputs)
          .inPieces(
            weight.floats.matrix(width: sizes.window).transposed, gradient.matrix(width: sizes.places),
            into: changes.matrix(width: sizes.places))
        let image = target.floats[example * sizes.example..<(example + 1) * sizes.example]
        let kernel = sizes.kernelHeight * sizes.kernelWidth
        Parallel.ranges(sizes.channels, cost: kernel * sizes.places) { channels in
          for row in channels.lowerBound * kernel..<channels.upperBound * kernel {
            let source = changes.base + row * sizes.places
            sizes.forEach(row) { image.base[$1] += source[$0] }
          }
        }
      }
      if targets.count > 2, let target = targets[2] {
        for channel in 0..<sizes.outputs {
          let part = gradient[channel * sizes.places..<(channel + 1) * sizes.places]
          target.floats.base[channel] += Float(part.array.reduce(0) { $0 + Double($1) })
        }
      }
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let sizes = Sizes(inputs[0].shape, inputs[1].shape, self)
    var result = PlainTensor(zeros: shape(of: inputs.map(\.shape)))
    for example in 0..<inputs[0].shape[0] {
      for output in 0..<sizes.outputs {
        let start = (example * sizes.outputs + output) * sizes.places
        for place in 0..<sizes.places {
          result.entries[start + place] = inputs.count > 2 ? inputs[2].entries[output] : 0
        }
        for row in 0..<sizes.window {
          let factor = inputs[1].entries[output * sizes.window + row]
          sizes.forEach(row) {
            result.entries[start + $0] += factor * inputs[0].entries[example * sizes.example + $1]
          }
        }
      }
    }
    return result
  }
}
