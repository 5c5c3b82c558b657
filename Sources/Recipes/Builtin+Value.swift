import Diagnostics
import Foundation
import Operations

extension Builtin {
  /// What the operator or function gives for these values; one code for constants and for formulas over metrics.
  /// - Throws: `OperationError` where it gives nothing: a division by zero, the mean of no numbers.
  func value(_ arguments: [Value]) throws -> Value {
    switch self {
    case .negate: return .number(-(try arguments[0].number))
    case .not: return .flag(!(try arguments[0].flag))
    case .add: return .number(try arguments[0].number + arguments[1].number)
    case .subtract: return .number(try arguments[0].number - arguments[1].number)
    case .multiply: return .number(try arguments[0].number * arguments[1].number)
    case .divide:
      let divisor = try arguments[1].number
      guard divisor != 0 else { throw OperationError("a division by zero has no value") }
      return .number(try arguments[0].number / divisor)
    case .equal: return .flag(arguments[0] == arguments[1])
    case .notEqual: return .flag(arguments[0] != arguments[1])
    case .less: return .flag(try arguments[0].number < arguments[1].number)
    case .lessOrEqual: return .flag(try arguments[0].number <= arguments[1].number)
    case .greater: return .flag(try arguments[0].number > arguments[1].number)
    case .greaterOrEqual: return .flag(try arguments[0].number >= arguments[1].number)
    case .and: return .flag(try arguments[0].flag && arguments[1].flag)
    case .or: return .flag(try arguments[0].flag || arguments[1].flag)
    case .absolute: return .number(abs(try arguments[0].number))
    case .length: return .number(Double(try arguments[0].list.count))
    case .sum: return .number(try arguments[0].numbers.reduce(0, +))
    case .mean: return .number(try mean(of: arguments[0].someNumbers(for: "mean")))
    case .minimum: return .number(try arguments[0].someNumbers(for: "min").reduce(.infinity, min))
    case .maximum: return .number(try arguments[0].someNumbers(for: "max").reduce(-.infinity, max))
    case .spread:
      let numbers = try arguments[0].numbers
      guard numbers.count > 1 else { throw OperationError("`spread` needs at least two numbers") }
      let mean = mean(of: numbers)
      let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return .number((squares / Double(numbers.count - 1)).squareRoot())
    }
  }

  private func mean(of numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }
}

extension Formula {
  /// What it gives once the metrics are there.
  /// - Throws: `OperationError` where it gives nothing, and whatever `fields` throws.
  public func value(fields: (StepID, String) throws -> Value) throws -> Value {
    switch self {
    case .value(let value): return value
    case .field(let step, let name): return try fields(step, name)
    case .list(let parts): return .list(try parts.map { try $0.value(fields: fields) })
    case .call(let builtin, let parts): return try builtin.value(try parts.map { try $0.value(fields: fields) })
    case .choose(let condition, let then, let otherwise):
      return try (condition.value(fields: fields).flag ? then : otherwise).value(fields: fields)
    }
  }
}

extension Value {
  var number: Double {
    get throws {
      guard case .number(let number) = self else { throw OperationError("\(canonical) is not a number") }
      return number
    }
  }

  var flag: Bool {
    get throws {
      guard case .flag(let flag) = self else { throw OperationError("\(canonical) is neither true nor false") }
      return flag
    }
  }

  var list: [Value] {
    get throws {
      guard case .list(let values) = self else { throw OperationError("\(canonical) is not a list") }
      return values
    }
  }

  var numbers: [Double] {
    get throws { try list.map { try $0.number } }
  }

  fileprivate func someNumbers(for function: String) throws -> [Double] {
    let numbers = try numbers
    guard !numbers.isEmpty else { throw OperationError("`\(function)` of no numbers has no value") }
    return numbers
  }
}
