/// The lengths of a tensor's axes, outermost first. The empty shape is a single number's.
public struct Shape: Hashable, Sendable, CustomStringConvertible, ExpressibleByArrayLiteral {
  public let axes: [Int]

  public init(_ axes: [Int]) {
    precondition(axes.allSatisfy { $0 >= 0 }, "an axis has no negative length")
    self.axes = axes
  }

  public init(arrayLiteral axes: Int...) { self.init(axes) }

  /// Number of entries.
  public var count: Int { axes.reduce(1, *) }

  public var rank: Int { axes.count }

  public subscript(axis: Int) -> Int { axes[axis] }

  /// `4096×11008`; `scalar` for the empty shape.
  public var description: String { axes.isEmpty ? "scalar" : axes.map(String.init).joined(separator: "×") }
}
