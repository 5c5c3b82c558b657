import Tensors

/// A tensor of float32 on the way through a network.
public struct Variable {
  public let shape: Shape
  /// Whether the first axis counts examples; parameters, and what is made of them alone, have none.
  public let isBatched: Bool
  /// Nil only in the tape's own records, where the entries are no longer needed.
  let block: Block?
  /// Nil where no gradient is wanted.
  let slot: GradientSlot?

  init(shape: Shape, isBatched: Bool, block: Block?, slot: GradientSlot?) {
    self.shape = shape
    self.isBatched = isBatched
    self.block = block
    self.slot = slot
  }

  public var needsGradient: Bool { slot != nil }

  var floats: Floats {
    guard let block else { preconditionFailure("the entries were let go") }
    return block.floats
  }

  var operand: Operand { Operand(shape: shape, floats: floats) }

  /// The entries, row-major.
  public var entries: [Float] { floats.array }

  /// The entries as a tensor.
  public var tensor: Tensor { Tensor(entries, shape: shape) }

  /// The same entries, and the same gradient, under another shape.
  public func reshaped(_ shape: Shape) -> Variable {
    precondition(shape.count == self.shape.count, "\(self.shape) is not \(shape) in another form")
    return Variable(shape: shape, isBatched: isBatched, block: block, slot: slot)
  }

  /// The same value, cut off from what it was made of.
  public var detached: Variable { Variable(shape: shape, isBatched: isBatched, block: block, slot: nil) }

  /// What the tape remembers of it where its entries are not needed.
  var withoutEntries: Variable { Variable(shape: shape, isBatched: isBatched, block: nil, slot: slot) }
}

/// Where the gradient of a value is added up during a backward pass.
final class GradientSlot {
  /// Set where the value is a parameter: its gradient goes to a `GradientSink`.
  let parameter: Parameter?
  var gradient: Block?

  init(parameter: Parameter? = nil) { self.parameter = parameter }
}
