import CKernels
import Tensors

/// Squares of each example's gradient, added up in float64: what a diagonal Fisher information is made of.
///
/// A parameter's gradient for an example is summed over tokens, and over all places that use it, before it is squared.
public final class SquaredGradients: GradientSink {
  private let memory: Memory
  private var sums: [ObjectIdentifier: [Double]] = [:]
  /// Uses of parameters that have several, until all of them are there.
  private var waiting: [ObjectIdentifier: [ParameterUse]] = [:]

  public init(_ memory: Memory) { self.memory = memory }

  public func take(_ use: ParameterUse) {
    guard use.uses > 1 else { return addSquares([use]) }
    let key = ObjectIdentifier(use.parameter)
    waiting[key, default: []].append(use)
    if let all = waiting[key], all.count == use.uses {
      waiting[key] = nil
      addSquares(all)
    }
  }

  /// Uses whose gradients never came: what they belong to does not depend on them.
  public func finish() {
    let left = waiting.values.sorted { $0[0].parameter.name < $1[0].parameter.name }
    waiting = [:]
    for uses in left { addSquares(uses) }
  }

  /// The sums for a parameter; nil where no gradient came.
  public func squares(of parameter: Parameter) -> [Double]? { sums[ObjectIdentifier(parameter)] }

  private func addSquares(_ uses: [ParameterUse]) {
    let parameter = uses[0].parameter
    let key = ObjectIdentifier(parameter)
    // Taken out while it changes, so that it is not copied.
    var sum = sums.removeValue(forKey: key) ?? [Double](repeating: 0, count: memory.isDry ? 0 : parameter.count)
    defer { sums[key] = sum }
    let isDone = uses.count == 1 && sum.withUnsafeMutableBufferPointer { uses[0].addSquares(to: $0) }
    guard !isDone else { return }
    let block = memory.block(parameter.count)
    for example in 0..<uses[0].examples {
      for (index, use) in uses.enumerated() {
        use.gradient(ofExample: example, into: block.floats, adds: index > 0)
      }
      guard !memory.isDry else { continue }
      sum.withUnsafeMutableBufferPointer { SquaredGradients.add(block.floats, to: $0) }
    }
  }

  /// sums += entries².
  static func add(_ entries: Floats, to sums: UnsafeMutableBufferPointer<Double>) {
    guard let base = sums.baseAddress else { return }
    nonisolated(unsafe) let target = base
    Parallel.ranges(entries.count, cost: 1) { range in
      kernel_add_squares(target + range.lowerBound, entries.base + range.lowerBound, range.count, 1)
    }
  }
}
