import Plans

/// Whoever tells people or programs how a run comes along.
protocol ProgressObserver: Sendable {
  /// The run is about to begin.
  func start()
  /// Called from several threads.
  func observe(_ event: RunEvent)
  /// The run is over. Nothing is told after.
  func finish()
}
