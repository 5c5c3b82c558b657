import Diagnostics

/// The face of a function that a slot takes.
public struct FunctionShape: Sendable, Hashable {
  public enum Parameters: Sendable, Hashable {
    /// One number or more, each with a range: what a search turns.
    case numbers
    case artifact(ArtifactKind)
  }

  public let parameters: Parameters
  public let result: ValueType

  public init(_ parameters: Parameters, gives result: ValueType) {
    self.parameters = parameters
    self.result = result
  }

  /// As errors and the reference write it: `fn(numbers) -> checkpoint`.
  public var name: String {
    switch parameters {
    case .numbers: "fn(numbers) -> \(result.name)"
    case .artifact(let kind): "fn(\(kind.name)) -> \(result.name)"
    }
  }
}

/// A function of the recipe, ready to be called by the operation that was given it.
///
/// A call runs the steps that the function's body makes of its arguments. They are not kept in the registry: the operation's
/// result is.
public struct RecipeFunction: Sendable {
  /// A number that a search turns.
  public struct Parameter: Sendable, Hashable {
    public let name: String
    /// Whether only whole numbers are tried.
    public let isWhole: Bool
    public let range: ClosedRange<Double>

    public init(_ name: String, isWhole: Bool, in range: ClosedRange<Double>) {
      self.name = name
      self.isWhole = isWhole
      self.range = range
    }
  }

  public enum Term: Sendable {
    case number(Double)
    case artifact(Content)
  }

  /// Empty where it takes an artifact.
  public let parameters: [Parameter]
  private let call: @Sendable ([Term], Context?) throws -> Term?

  /// - Parameter call: Gives the result; without a context only what it will look like, nil where that is not known.
  public init(parameters: [Parameter], call: @escaping @Sendable ([Term], Context?) throws -> Term?) {
    self.parameters = parameters
    self.call = call
  }

  fileprivate func result(_ arguments: [Term], _ context: Context) throws -> Term {
    guard let result = try call(arguments, context) else {
      preconditionFailure("a function that ran gave nothing")
    }
    return result
  }

  fileprivate func outline(_ arguments: [Term]) throws -> Term? { try call(arguments, nil) }
}

/// A way to look at a function that a slot takes.
public protocol FunctionValue: Sendable {
  static var shape: FunctionShape { get }
  init(_ function: RecipeFunction)
}

/// A function from numbers to an artifact: `fn(math_weight: number in 0...1.5) -> checkpoint`.
public struct Making<Made: Artifact>: FunctionValue {
  public static var shape: FunctionShape { FunctionShape(.numbers, gives: .artifact(Made.kind)) }

  private let function: RecipeFunction

  public init(_ function: RecipeFunction) { self.function = function }

  public var parameters: [RecipeFunction.Parameter] { function.parameters }

  /// What it makes of these numbers, one for each parameter; its tensors are computed when they are asked for.
  /// - Throws: `OperationError`.
  public func callAsFunction(_ numbers: [Double], _ context: Context) throws -> Made {
    guard case .artifact(let content) = try function.result(numbers.map { .number($0) }, context) else {
      preconditionFailure("the recipe's check let a function through that makes no artifact")
    }
    return Made(content)
  }

  /// What it makes in the middle of all ranges, from headers alone; nil where only running it tells.
  /// - Throws: `OperationError` naming what does not fit.
  public func outline() throws -> Content? {
    guard case .artifact(let content)? = try function.outline(parameters.map { .number($0.middle) }) else { return nil }
    return content
  }
}

/// A function from an artifact to a number: `fn(model: checkpoint) -> number`.
public struct Scoring<Scored: Artifact>: FunctionValue {
  public static var shape: FunctionShape { FunctionShape(.artifact(Scored.kind), gives: .number) }

  private let function: RecipeFunction

  public init(_ function: RecipeFunction) { self.function = function }

  /// - Throws: `OperationError`.
  public func callAsFunction(_ artifact: Scored, _ context: Context) throws -> Double {
    guard case .number(let score) = try function.result([.artifact(artifact.content)], context) else {
      preconditionFailure("the recipe's check let a function through that gives no number")
    }
    return score
  }

  /// Checks from headers alone whether it can be given what looks like this.
  /// - Throws: `OperationError` naming what does not fit.
  public func check(_ outline: Content) throws { _ = try function.outline([.artifact(outline)]) }
}

extension RecipeFunction.Parameter {
  /// The middle of its range.
  public var middle: Double { rounded((range.lowerBound + range.upperBound) / 2) }

  /// The nearest number that it may be.
  public func rounded(_ number: Double) -> Double {
    isWhole ? min(max(number.rounded(), range.lowerBound.rounded(.up)), range.upperBound.rounded(.down)) : number
  }
}

/// A function of the recipe that an operation calls.
///
/// `@Function("Makes the model to judge.") var candidate: Making<Checkpoint>`; recipes give it by name: `candidate: mix`.
@propertyWrapper
public struct Function<Value: FunctionValue>: SlotWrapper {
  private let text: String
  private var bound: Value?

  /// - Parameter text: One sentence that says what it is.
  public init(_ text: String) { self.text = text }

  public var wrappedValue: Value {
    guard let bound else { preconditionFailure("an operation's function was read before it was bound") }
    return bound
  }

  public func slot(named name: String) -> Slot {
    Slot(
      name: name, role: .function, type: .function(Value.shape), text: text, defaultValue: nil, range: nil,
      minimumCount: 0, choices: [:])
  }

  public func bound(to binding: Binding?) -> Function {
    guard case .function(let function)? = binding else {
      preconditionFailure("a step was made without a function it needs")
    }
    var result = self
    result.bound = Value(function)
    return result
  }

  public var contents: [Content] { [] }

  public init(from decoder: any Decoder) { preconditionFailure("operations are bound, not decoded") }
}
