import Diagnostics

/// A number, or numbers that are spread evenly over the depth of the layers.
struct Curve: Sendable, Hashable {
  /// One point is a constant.
  let points: [Double]

  /// The value at a depth from 0 to 1, as arcee's mergekit interpolates.
  func callAsFunction(_ depth: Double) -> Double {
    let position = depth * Double(points.count - 1)
    let lower = min(Int(position), points.count - 1)
    let upper = min(lower + 1, points.count - 1)
    let share = position - Double(lower)
    return share == 0 ? points[lower] : (1 - share) * points[lower] + share * points[upper]
  }
}

/// A parameter's value for the tensors whose names hold a text.
struct SettingArm: Sendable {
  /// The text; none for all tensors.
  let filter: String?
  let curve: Curve
  /// Where the value stands.
  let place: Place

  func holds(for name: String) -> Bool { filter.map { name.contains($0) } ?? true }
}

/// What a file says of one parameter in one place: the first arm that fits a tensor decides, if any does.
struct Setting: Sendable {
  let name: String
  let keyPlace: Place
  /// None where they could not be read, which is reported.
  let arms: [SettingArm]
}

/// What a file's places say of parameters, in one place.
struct Settings: Sendable {
  var all: [Setting] = []

  subscript(name: String) -> Setting? { all.first { $0.name == name } }
}
