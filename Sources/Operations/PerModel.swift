import Diagnostics

/// A setting that may differ from model to model: one value for all of them, or a list with one for each, in order.
///
/// `@Param("Share of each task vector that is kept.") var density: PerModel<Layered<Fraction>> = 0.2`; recipes write
/// `density: 20%` or `density: [20%, gradient([50%, 10%])]`.
public struct PerModel<Element: ParamValue>: ParamValue {
  public let value: Value

  public init(_ element: Element) { value = element.value }

  public init(_ value: Value) { self.value = value }

  public static var type: ValueType { .perModel(Element.type) }

  /// The settings of so many models, in order.
  public func values(for count: Int) -> [Element] {
    guard case .list(let values) = value else { return Array(repeating: Element(value), count: count) }
    precondition(values.count == count, "`checkCount` saw to it that there is one for each model")
    return values.map(Element.init)
  }

  /// Checks that a list has one value for each model.
  /// - Parameters:
  ///   - slot: What a recipe calls it, such as `density`.
  ///   - operation: The operation's name.
  public func checkCount(as models: [some Artifact], _ slot: String, of operation: String) throws {
    guard case .list(let values) = value, values.count != models.count else { return }
    throw OperationError(
      .step, "`\(operation)` has \(models.count) models and \(values.count) of `\(slot)`",
      helps: ["give one for each model, in order, or one without brackets for all of them"])
  }
}

extension PerModel: ExpressibleByFloatLiteral where Element: ExpressibleByFloatLiteral {
  public init(floatLiteral value: Element.FloatLiteralType) { self.init(Element(floatLiteral: value)) }
}

extension PerModel: ExpressibleByIntegerLiteral where Element: ExpressibleByIntegerLiteral {
  public init(integerLiteral value: Element.IntegerLiteralType) { self.init(Element(integerLiteral: value)) }
}
