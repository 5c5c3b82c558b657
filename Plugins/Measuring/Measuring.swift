import Operations

extension Plugin {
  /// Operations that say how good something is.
  public static let measuring = Plugin(
    "measuring", "Measure models and sum measurements up.",
    operations: [
      Evaluate.self,
      Summary.self,
    ])
}
