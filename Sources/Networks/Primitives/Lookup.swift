import CKernels
import Tensors

/// Rows of a table by number: an embedding. Input: the table (numbers, width); output: (examples, places, width).
struct Lookup: Primitive {
  /// Row by row, one example after the other; all lie in the table.
  let numbers: [Int]
  let examples: Int
  /// A row that gets no gradient, as `torch.nn.Embedding` has it for its `padding_idx`.
  let padding: Int?

  init(_ numbers: [Int], examples: Int, padding: Int? = nil) {
    precondition(examples > 0 && numbers.count % examples == 0, "every example has as many places")
    self.numbers = numbers
    self.examples = examples
    self.padding = padding
  }

  func shape(of inputs: [Shape]) -> Shape { [examples, numbers.count / examples, inputs[0][1]] }

  func isBatched(_ inputs: [Bool]) -> Bool { true }

  var needs: BackwardNeeds { [] }

  func narrowed(toExample index: Int, of count: Int) -> Lookup {
    let places = numbers.count / examples
    return Lookup(Array(numbers[index * places..<(index + 1) * places]), examples: 1, padding: padding)
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (table, width) = (inputs[0], inputs[0].width)
    Parallel.ranges(numbers.count, cost: width) { places in
      for place in places {
        let number = numbers[place]
        precondition((0..<table.rows).contains(number), "\(number) lies in a table of \(table.rows)")
        output.floats.base.advanced(by: place * width).update(
          from: table.floats.base + number * width, count: width)
      }
    }
  }

  var addsGradients: Bool { true }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0] else { return }
    if !target.adds { target.floats.zero() }
    let (gradient, width) = (step.gradient, step.gradient.width)
    // Every piece has columns of its own, and goes through the places in their order.
    Parallel.ranges((width + 15) / 16, cost: numbers.count * 16) { range in
      let (start, end) = (range.lowerBound * 16, min(range.upperBound * 16, width))
      guard start < end else { return }
      for (place, number) in numbers.enumerated() where number != padding {
        let sum = target.floats.base + number * width + start
        kernel_add(sum, gradient.floats.base + place * width + start, sum, end - start)
      }
    }
  }

  func squaresScratch(for inputs: [Shape], examples: Int) -> Int { inputs[0][1] }

  /// Only rows that an example looks up have a gradient; those of one number are added before they are squared.
  func addSquares(
    of input: Int, _ step: BackwardStep, examples: Int, to sums: UnsafeMutableBufferPointer<Double>
  ) -> Bool {
    guard let base = sums.baseAddress else { return false }
    let (width, places) = (step.gradient.width, numbers.count / examples)
    for example in 0..<examples {
      let range = example * places..<(example + 1) * places
      let sorted = range.filter { numbers[$0] != padding }.sorted { (numbers[$0], $0) < (numbers[$1], $1) }
      for (index, place) in sorted.enumerated() {
        let row = step.gradient.floats.base + place * width
        if index == 0 || numbers[sorted[index - 1]] != numbers[place] {
          step.scratch.base.update(from: row, count: width)
        } else {
          kernel_add(step.scratch.base, row, step.scratch.base, width)
        }
        if index == sorted.count - 1 || numbers[sorted[index + 1]] != numbers[place] {
          kernel_add_squares(base + numbers[place] * width, step.scratch.base, width, 1)
        }
      }
    }
    return true
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    let width = inputs[0].width
    return PlainTensor(
      shape: shape(of: inputs.map(\.shape)),
      entries: numbers.flatMap { inputs[0].entries[$0 * width..<($0 + 1) * width] })
  }
}
