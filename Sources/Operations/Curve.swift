import Formats

/// A number that was watched while something went on: the loss of a training, the scores of a search.
public struct Curve: Sendable, Hashable {
  public struct Point: Sendable, Hashable {
    public let x: Double
    public let y: Double

    public init(_ x: Double, _ y: Double) {
      self.x = x
      self.y = y
    }
  }

  /// What was watched: `loss`.
  public let name: String
  /// What it was watched along: `steps`.
  public let unit: String
  /// In the order of x.
  public let points: [Point]

  public init(name: String, unit: String, points: [Point]) {
    self.name = name
    self.unit = unit
    self.points = points
  }
}

extension Curve {
  public var json: JSON {
    [
      "name": .string(name), "unit": .string(unit),
      "points": .array(points.map { .array([.number($0.x), .number($0.y)]) }),
    ]
  }

  /// Nil where the JSON is no curve.
  public init?(_ json: JSON) {
    guard let name = json["name"]?.string, let unit = json["unit"]?.string, let rows = json["points"]?.array else {
      return nil
    }
    let points = rows.compactMap { row -> Point? in
      guard let pair = row.array, pair.count == 2, let x = pair[0].number, let y = pair[1].number else { return nil }
      return Point(x, y)
    }
    guard points.count == rows.count else { return nil }
    self.init(name: name, unit: unit, points: points)
  }
}
