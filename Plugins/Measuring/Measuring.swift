import Operations

extension Plugin {
  /// Operations that say how good something is.
  public static let measuring = Plugin(
    "measuring", "Measure models, compare measurements and sum them up.",
    operations: [
      Evaluate.self,
      Compare.self,
      Summary.self,
    ])
}
