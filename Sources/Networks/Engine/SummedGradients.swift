import Tensors

/// Gradients added up over a batch, and over batches until they are cleared.
public final class SummedGradients: GradientSink {
  private let memory: Memory
  private var blocks: [ObjectIdentifier: Block] = [:]

  public init(_ memory: Memory) { self.memory = memory }

  public func take(_ use: ParameterUse) {
    let key = ObjectIdentifier(use.parameter)
    if let block = blocks[key] {
      use.gradient(into: block.floats, adds: true)
    } else {
      let block = memory.block(use.parameter.count)
      blocks[key] = block
      use.gradient(into: block.floats, adds: false)
    }
  }

  /// Forgets all gradients; the next ones begin anew.
  public func clear() { blocks = [:] }

  /// Works on the gradient of a parameter, which may be changed; nil where none came.
  public func withGradient<Result>(
    of parameter: Parameter, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result? {
    guard let block = blocks[ObjectIdentifier(parameter)] else { return nil }
    return try body(UnsafeMutableBufferPointer(start: block.floats.base, count: parameter.count))
  }

  /// The gradient of a parameter as a tensor; nil where none came.
  public func gradient(of parameter: Parameter) -> Tensor? {
    withGradient(of: parameter) { Tensor(Array($0), shape: parameter.shape) }
  }
}
