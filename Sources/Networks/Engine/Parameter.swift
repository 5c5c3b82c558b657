import Tensors

/// A tensor of a network that can be learned.
public final class Parameter {
  /// As the checkpoint calls it.
  public let name: String
  public let shape: Shape
  /// Whether backward passes ask for its gradient.
  public var isTrainable: Bool {
    didSet {
      if isFixed { isTrainable = false }
      slot = isTrainable ? GradientSlot(parameter: self) : nil
    }
  }
  /// Whether it is a statistic, such as a mean that batch norm keeps, and is never trained.
  public let isFixed: Bool
  private let block: Block
  private var slot: GradientSlot?

  /// - Parameter block: Holds its entries.
  init(_ name: String, shape: Shape, block: Block, isTrainable: Bool = false, isFixed: Bool = false) {
    self.isFixed = isFixed
    self.name = name
    self.shape = shape
    self.block = block
    self.isTrainable = isTrainable
    slot = isTrainable ? GradientSlot(parameter: self) : nil
  }

  /// Takes its entries from a tensor of any dtype of numbers.
  public convenience init(_ name: String, _ tensor: Tensor, isTrainable: Bool = false, isFixed: Bool = false) {
    let block = Memory().block(tensor.count)
    tensor.copyFloats(0..<tensor.count, to: UnsafeMutableBufferPointer(start: block.floats.base, count: tensor.count))
    self.init(name, shape: tensor.shape, block: block, isTrainable: isTrainable, isFixed: isFixed)
  }

  public var value: Variable { Variable(shape: shape, isBatched: false, block: block, slot: slot) }

  public var count: Int { shape.count }

  /// Its entries, float32.
  public var tensor: Tensor { value.tensor }

  /// Works on the entries in place; no pass may be under way.
  public func withEntries<Result>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> Result) rethrows -> Result {
    try body(UnsafeMutableBufferPointer(start: block.floats.base, count: count))
  }
}
