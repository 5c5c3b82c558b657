/// A setting that may change with depth, with the layer's number or with the tensor's name.
public struct Layered<Element: LayeredElement>: ParamValue {
  public let value: Value

  public init(_ element: Element) { value = element.value }

  public init(_ value: Value) { self.value = value }

  public static var type: ValueType { .layered(Element.type) }

  /// The setting for one tensor.
  public func callAsFunction(_ tensor: TensorName) -> Element { Element(Layered.resolve(value, for: tensor)) }

  private static func resolve(_ value: Value, for tensor: TensorName) -> Value {
    switch value {
    case .gradient(let points):
      return .number(interpolate(points.map { point(resolve($0, for: tensor)) }, at: tensor.depth))
    case .matchTensor(let arms):
      guard let arm = arms.first(where: { $0.pattern.matches(tensor.text) }) else {
        preconditionFailure("a `match tensor` always has an arm for the rest")
      }
      return resolve(arm.value, for: tensor)
    case .matchLayer(let arms):
      let arm = arms.first { arm in
        guard let layers = arm.layers else { return true }
        return tensor.layer.map(layers.contains) ?? false
      }
      guard let arm else { preconditionFailure("a `match layer` always has an arm for the rest") }
      return resolve(arm.value, for: tensor)
    default: return value
    }
  }

  private static func point(_ value: Value) -> Double {
    guard case .number(let number) = value else { preconditionFailure("a gradient's points are numbers") }
    return number
  }

  /// Piecewise linear through evenly spaced points.
  private static func interpolate(_ points: [Double], at depth: Double) -> Double {
    let position = depth * Double(points.count - 1)
    let lower = min(Int(position), points.count - 1)
    let upper = min(lower + 1, points.count - 1)
    let share = position - Double(lower)
    return share == 0 ? points[lower] : points[lower] * (1 - share) + points[upper] * share
  }
}

/// A value that a `Layered` setting may give.
public protocol LayeredElement: ParamValue {}

extension Double: LayeredElement {}
extension Fraction: LayeredElement {}
extension Bool: LayeredElement {}

extension Layered: ExpressibleByFloatLiteral where Element: ExpressibleByFloatLiteral {
  public init(floatLiteral value: Element.FloatLiteralType) { self.init(Element(floatLiteral: value)) }
}

extension Layered: ExpressibleByIntegerLiteral where Element: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Element.IntegerLiteralType) { self.init(Element(integerLiteral: value)) }
}

extension Layered: ExpressibleByBooleanLiteral where Element: ExpressibleByBooleanLiteral {
  public init(booleanLiteral value: Element.BooleanLiteralType) { self.init(Element(booleanLiteral: value)) }
}
