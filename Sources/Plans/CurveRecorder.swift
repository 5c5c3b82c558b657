import Operations
import Synchronization

/// Keeps what an operation reports while it runs as a curve of a few hundred points, however often it reports.
///
/// A point is the mean of so many reports in a row. When there are too many points, each two become one, and from then on a point
/// takes twice as many reports; so the curve follows from the reports alone, and not from the clock.
final class CurveRecorder: Sendable {
  private struct State {
    var name = ""
    var unit = ""
    var points: [Curve.Point] = []
    /// Reports that make a point.
    var size = 1
    /// The reports that do not make one yet.
    var pending = (sum: 0.0, count: 0)
    /// How far the last report had come.
    var done = 0
  }

  /// Twice as many as are kept at least.
  private static let most = 400

  private let state = Mutex(State())

  /// What runs backwards, or is called otherwise than the first, is not kept.
  func add(_ progress: Context.Progress) {
    guard let figure = progress.figure, figure.value.isFinite else { return }
    state.withLock { state in
      if state.name.isEmpty { (state.name, state.unit) = (figure.name, progress.unit) }
      guard figure.name == state.name, progress.done > state.done else { return }
      state.done = progress.done
      state.pending = (state.pending.sum + figure.value, state.pending.count + 1)
      if state.pending.count == state.size { Self.close(&state) }
      if state.points.count == Self.most { Self.halve(&state) }
    }
  }

  /// Nil where nothing was reported.
  var curve: Curve? {
    state.withLock { state in
      var state = state
      if state.pending.count > 0 { Self.close(&state) }
      return state.points.isEmpty ? nil : Curve(name: state.name, unit: state.unit, points: state.points)
    }
  }

  private static func close(_ state: inout State) {
    state.points.append(.init(Double(state.done), state.pending.sum / Double(state.pending.count)))
    state.pending = (0, 0)
  }

  private static func halve(_ state: inout State) {
    state.points = stride(from: 1, to: state.points.count, by: 2).map { index in
      .init(state.points[index].x, (state.points[index - 1].y + state.points[index].y) / 2)
    }
    state.size *= 2
  }
}
