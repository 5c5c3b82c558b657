import Plans
import Recipes

/// How long a run still takes, by how long its steps took the last time.
struct RunExpectation {
  /// In the plan's order.
  private let steps: [(id: StepID, seconds: Double)]

  init(_ steps: [(id: StepID, seconds: Double)]) { self.steps = steps }

  /// Nil where one of the steps never ran.
  init?(_ planned: [PlannedStep]) {
    steps = planned.compactMap { step in step.lastSeconds.map { (step.id, $0) } }
    guard steps.count == planned.count, !steps.isEmpty else { return nil }
  }

  /// - Parameters:
  ///   - ended: How long each step took that has ended.
  ///   - running: How long each running step has taken so far, and what share of it that was, where it says so.
  func secondsLeft(ended: [StepID: Double], running: [StepID: (spent: Double, share: Double?)]) -> Double {
    var (before, now, left) = (0.0, 0.0, 0.0)
    for (id, seconds) in steps {
      if let took = ended[id] { (before, now) = (before + seconds, now + took) }
    }
    // The machine may be slower today, or busier.
    let pace = before > 0.5 ? now / before : 1
    for (id, seconds) in steps where ended[id] == nil {
      let (spent, share) = running[id] ?? (0, nil)
      if let share, share >= 0.1 {
        left += spent * (1 - share) / share
      } else {
        left += max(0, seconds * pace - spent)
      }
    }
    return left / Double(max(running.count, 1))
  }
}
