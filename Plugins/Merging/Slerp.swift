import Foundation
import Operations
import Tensors

/// Spherical interpolation between two models, tensor by tensor (Shoemake 1985), as mergekit defines it.
///
/// With all entries of a tensor as one vector, `â = a/‖a‖` (a itself where ‖a‖ ≤ 10⁻⁸), `c = â·b̂` and `θ = arccos c`:
/// `y = sin((1−t)θ)/sin θ · a + sin(tθ)/sin θ · b`, on the vectors as they are; and `y = (1−t) a + t b` where |c| >
/// 0.9995.
struct Slerp: LinearOperation {
  static let about = About(
    "slerp",
    "Merge two models along the arc between them.",
    discussion: """
      With all entries of a tensor as one vector and θ the angle between the two: sin((1−t)θ)/sin θ · a + sin(tθ)/sin \
      θ · b. Where they point the same way or opposite ways, within |cos θ| > 0.9995, it is (1−t) a + t b. This is \
      mergekit's `slerp`.
      """,
    papers: [.init("Shoemake 1985, Animating rotation with quaternion curves")],
    cost: "O(entries); one tensor in memory at a time",
    examples: [
      Example("Halfway", "slerp(a:, b:, at: 50%)"),
      Example("From one to the other with depth", "slerp(a:, b:, at: gradient([0%, 100%]))"),
    ])

  static let version = 2

  @Input("The model where the arc begins.")
  var a: Checkpoint
  @Input("The model where the arc ends.")
  var b: Checkpoint
  @Param("How far along the arc: 0% is `a`, 100% is `b`.")
  var at: Layered<Fraction> = 0.5
  @Param(FloatPrecision.ofResult)
  var precision: FloatPrecision? = nil

  func sum(_ tensor: TensorName, _ read: TensorReader) throws -> LinearSum {
    let gram = try read.gram([a, b])
    let cosine = gram[0, 1] / (Self.divisor(gram.norm(0)) * Self.divisor(gram.norm(1)))
    let weights = Self.weights(cosine: cosine, at: at(tensor).share)
    return LinearSum([a, b], weights: [weights.a, weights.b])
  }

  /// What a vector of this length is divided by to point somewhere.
  private static func divisor(_ norm: Double) -> Double { norm > 1e-8 ? norm : 1 }

  private static func weights(cosine: Double, at t: Double) -> (a: Double, b: Double) {
    guard abs(cosine) <= 0.9995 else { return (1 - t, t) }
    let angle = acos(cosine)
    return (sin((1 - t) * angle) / sin(angle), sin(t * angle) / sin(angle))
  }
}

extension Slerp: Referenced {
  func reference(_ tensor: TensorName, _ read: TensorReader) throws -> [Double] {
    let (a, b) = (try read(a).doubles, try read(b).doubles)
    func direction(_ vector: [Double]) -> [Double] {
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return length > 1e-8 ? vector.map { $0 / length } : vector
    }
    let c = zip(direction(a), direction(b)).reduce(0) { $0 + $1.0 * $1.1 }
    let (t, angle) = (at(tensor).share, acos(c))
    let isStraight = abs(c) > 0.9995
    let first = Float(isStraight ? 1 - t : sin((1 - t) * angle) / sin(angle))
    let second = Float(isStraight ? t : sin(t * angle) / sin(angle))
    return zip(a, b).map { a, b in isStraight && a == b ? a : Double(first * Float(a) + second * Float(b)) }
  }
}
