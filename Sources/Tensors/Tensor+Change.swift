import Dispatch
import Synchronization

extension Tensor {
  /// How far one tensor is from another.
  public struct Change: Sendable {
    /// The largest |bᵢ − aᵢ|; infinite where an entry is not finite in one alone.
    public internal(set) var absolute = 0.0
    /// The largest |bᵢ − aᵢ| / max(|aᵢ|, |bᵢ|): 2 where an entry changed its sign and kept its size.
    public internal(set) var relative = 0.0
    fileprivate var squares = (old: 0.0, new: 0.0, product: 0.0, change: 0.0)

    fileprivate mutating func add(_ other: Change) {
      absolute = max(absolute, other.absolute)
      relative = max(relative, other.relative)
      squares.old += other.squares.old
      squares.new += other.squares.new
      squares.product += other.squares.product
      squares.change += other.squares.change
    }

    /// a·b / (‖a‖ ‖b‖); 1 where both are zero, 0 where one is.
    public var cosine: Double {
      if squares.old == 0, squares.new == 0 { return 1 }
      guard squares.old > 0, squares.new > 0 else { return 0 }
      return squares.product / (squares.old.squareRoot() * squares.new.squareRoot())
    }

    /// ‖b − a‖ / ‖a‖; infinite where a is zero and b is not.
    public var norm: Double {
      squares.change == 0 ? 0 : (squares.change / squares.old).squareRoot()
    }
  }

  /// How far `other` is from this: in float64, block by block, the blocks' sums added in order. Dtypes may differ.
  public func change(to other: Tensor) -> Change {
    precondition(shape == other.shape, "tensors of one shape are compared")
    let length = 1 << 16
    let count = (shape.count + length - 1) / length
    let blocks = Mutex([Change](repeating: Change(), count: count))
    DispatchQueue.concurrentPerform(iterations: count) { block in
      let range = block * length..<min((block + 1) * length, shape.count)
      let change = change(to: other, range)
      blocks.withLock { $0[block] = change }
    }
    return blocks.withLock { $0.reduce(into: Change()) { $0.add($1) } }
  }

  private func change(to other: Tensor, _ range: Range<Int>) -> Change {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: range.count * 2) { memory in
      let old = UnsafeMutableBufferPointer(rebasing: memory[..<range.count])
      let new = UnsafeMutableBufferPointer(rebasing: memory[range.count...])
      copyDoubles(range, to: old)
      other.copyDoubles(range, to: new)
      var change = Change()
      for (a, b) in zip(old, new) {
        change.squares.old += a * a
        change.squares.new += b * b
        change.squares.product += a * b
        // Entries that are NaN or the same infinity in both have not changed.
        guard a != b, !(a.isNaN && b.isNaN) else { continue }
        let distance = a.isFinite && b.isFinite ? abs(b - a) : .infinity
        change.squares.change += distance * distance
        change.absolute = max(change.absolute, distance)
        change.relative = max(change.relative, distance.isFinite ? distance / max(abs(a), abs(b)) : .infinity)
      }
      return change
    }
  }
}
