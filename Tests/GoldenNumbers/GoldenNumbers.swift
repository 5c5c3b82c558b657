import Tensors

/// Numbers that the scripts which write golden files make of a text, so that no file needs to hold them.
public enum GoldenNumbers {
  /// The numbers from -0.5 to 0.5 that `hashed` of `networks.py` makes of a text.
  public static func hashed(_ text: String, _ count: Int) -> [Double] {
    let seed = text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return (0..<count).map { index in
      var x = UInt32(truncatingIfNeeded: index) &* 2_654_435_761 &+ seed
      x = (x ^ (x >> 16)) &* 0x7FEB_352D
      x = (x ^ (x >> 15)) &* 0x846C_A68B
      x ^= x >> 16
      return Double(x >> 8) / 16_777_216 - 0.5
    }
  }

  /// The tensor that `weights` of `networks.py` makes of a name.
  public static func weight(_ name: String, _ shape: Shape) -> Tensor {
    let entries = hashed(name, shape.count).map { number -> Float in
      if name.hasSuffix("running_var") { return 1 + Float(number) }
      if name.hasSuffix("weight"), shape.rank == 1 { return 1 + 0.5 * Float(number) }
      return shape.rank >= 2 ? Float(number) * 0.6 : Float(number)
    }
    return Tensor(entries, shape: shape)
  }
}
