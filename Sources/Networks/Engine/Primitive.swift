import Tensors

/// A differentiable function of tensors: how it goes forward, how gradients go back through it, and the same thing
/// written plainly in float64.
///
/// The first axis of a batched input counts examples, and each example's output depends on that example alone.
protocol Primitive: Sendable {
  /// The output's shape. Says what is wrong with shapes that do not fit by trapping: architectures are checked before.
  func shape(of inputs: [Shape]) -> Shape

  /// Entries of scratch that `forward` and `backward` are given.
  func scratch(for inputs: [Shape]) -> Int

  /// Writes all of the output.
  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats)

  /// Writes the gradients of those inputs that have a target, all of each; adds to those that ask for it where
  /// `addsGradients`.
  func backward(_ step: BackwardStep, into targets: [GradientTarget?])

  /// What `backward` looks at, so what is kept until then.
  var needs: BackwardNeeds { get }

  /// Whether `backward` can add to its targets as cheaply as it writes them.
  var addsGradients: Bool { get }

  /// Whether the output has an axis of examples.
  func isBatched(_ inputs: [Bool]) -> Bool

  /// The same function of one example alone.
  func narrowed(toExample index: Int, of count: Int) -> Self

  /// Entries of scratch that `addSquares` is given.
  func squaresScratch(for inputs: [Shape], examples: Int) -> Int

  /// Adds the squares of each example's gradient for an input to sums, where that is possible without each gradient.
  /// - Returns: Whether it did.
  func addSquares(of input: Int, _ step: BackwardStep, examples: Int, to sums: UnsafeMutableBufferPointer<Double>)
    -> Bool

  /// `forward`, an entry at a time, as the textbook has it.
  func reference(_ inputs: [PlainTensor]) -> PlainTensor
}

/// What `Primitive.backward` works with. Operands that the primitive does not need have shapes, but nothing behind them.
struct BackwardStep: Sendable {
  let inputs: [Operand]
  let output: Operand
  /// Of the output.
  let gradient: Operand
  let scratch: Floats
}

struct BackwardNeeds: OptionSet, Sendable {
  let rawValue: Int
  static let inputs = BackwardNeeds(rawValue: 1)
  static let output = BackwardNeeds(rawValue: 2)
}

/// Where the gradient of an input goes.
struct GradientTarget: Sendable {
  let operand: Operand
  /// Whether it is added to what is there.
  let adds: Bool

  var floats: Floats { operand.floats }
}

/// A tensor of float64 for plain references.
struct PlainTensor: Sendable {
  var shape: Shape
  var entries: [Double]

  init(shape: Shape, entries: [Double]) {
    precondition(shape.count == entries.count, "\(entries.count) entries do not fill \(shape)")
    self.shape = shape
    self.entries = entries
  }

  init(zeros shape: Shape) { self.init(shape: shape, entries: [Double](repeating: 0, count: shape.count)) }

  var width: Int { shape.axes.last ?? 1 }
  var rows: Int { width == 0 ? 0 : entries.count / width }
}

extension Primitive {
  func scratch(for inputs: [Shape]) -> Int { 0 }
  var needs: BackwardNeeds { .inputs }
  var addsGradients: Bool { false }
  func isBatched(_ inputs: [Bool]) -> Bool { inputs.contains(true) }
  func narrowed(toExample index: Int, of count: Int) -> Self { self }
  func squaresScratch(for inputs: [Shape], examples: Int) -> Int { 0 }
  func addSquares(
    of input: Int, _ step: BackwardStep, examples: Int, to sums: UnsafeMutableBufferPointer<Double>
  ) -> Bool { false }
}
