import Operations

extension Plugin {
  /// Operations that try models to find a good one.
  public static let searching = Plugin(
    "searching", "Try models that a function of the recipe makes, and find the best.",
    operations: [
      Search.self
    ])
}
