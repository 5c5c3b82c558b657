import Tensors

/// Entries of float32 in memory that a `Block` keeps alive; in a dry run there is nothing behind it.
///
/// - Note: `@unchecked` because of the pointer. Primitives hand parts of it to several threads, each of which writes
///   entries that no other touches.
struct Floats: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  /// The entries of a range.
  subscript(range: Range<Int>) -> Floats {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) lies within \(count) entries")
    return Floats(base: base + range.lowerBound, count: range.count)
  }

  /// Sees them as a matrix whose rows are so long.
  func matrix(width: Int) -> MatrixView { MatrixView(base, stride: width) }

  func zero() { base.update(repeating: 0, count: count) }

  func copy(from other: Floats) {
    precondition(other.count == count, "\(other.count) entries do not fill \(count)")
    base.update(from: other.base, count: count)
  }

  var array: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }
}

/// A shape and the entries that have it: what a primitive works on.
struct Operand: Sendable {
  let shape: Shape
  let floats: Floats

  /// Length of the last axis.
  var width: Int { shape.axes.last ?? 1 }
  /// All axes but the last, as one.
  var rows: Int { width == 0 ? 0 : shape.count / width }

  var matrix: MatrixView { floats.matrix(width: width) }

  /// Those of one example: the first axis counts examples.
  func example(_ index: Int) -> Operand {
    let shape = Shape([1] + shape.axes.dropFirst())
    return Operand(shape: shape, floats: floats[index * shape.count..<(index + 1) * shape.count])
  }
}
