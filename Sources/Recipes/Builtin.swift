/// An operator or function of the language that works on plain values.
public enum Builtin: String, Sendable, Hashable, CaseIterable {
  case negate, not, add, subtract, multiply, divide
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
  case and, or
  case mean, spread
  case minimum = "min"
  case maximum = "max"
  case sum
  case absolute = "abs"
  case length
}
