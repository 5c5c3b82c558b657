import Foundation

/// How a learning rate changes over the steps of a training.
public struct RateSchedule: Sendable {
  public enum Shape: Sendable { case constant, linear, cosine }

  let peak: Double
  let shape: Shape
  let warm: Int
  let total: Int

  /// - Parameters:
  ///   - peak: The rate after the warm-up.
  ///   - warmup: Share of the steps over which the rate rises from zero.
  ///   - total: How many steps there are.
  public init(peak: Double, _ shape: Shape, warmup: Double, total: Int) {
    self.peak = peak
    self.shape = shape
    self.total = total
    warm = Int((warmup * Double(total)).rounded(.up))
  }

  /// The rate of a step, from 0.
  public subscript(step: Int) -> Double {
    let rise = min(1, Double(step + 1) / Double(max(warm, 1)))
    let done = step < warm ? 0 : Double(step - warm) / Double(max(total - warm, 1))
    let share =
      switch shape {
      case .constant: 1.0
      case .linear: 1 - done
      case .cosine: (1 + cos(Double.pi * done)) / 2
      }
    return peak * rise * share
  }
}
