import Testing

@testable import Tensors

@Suite struct ConversionTests {
  static let nasty: [Float] =
    [
      0, -0.0, 1, -1, 0.1, 65504, 65519.99, 65520, 1e-8, -6e-8, 5.97e-8, 6.1e-5, 6.09e-5, .infinity, -.infinity, .nan,
      .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1.0009765, 1.00048828125, 1.00146484375, 3.4e38, 2.5e-45,
      1.00390625, 1.01171875, 1.0039063,
    ]

  static let random: [Float] = {
    var generator = Generator(seed: 1, "conversion")
    return (0..<20_000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: generator.next())) }
  }()

  /// The plain way to bfloat16: the nearer of the two neighbours, the even one where both are as near.
  static func nearestBfloat16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
    let above = Float(bitPattern: below.bitPattern &+ 0x1_0000)
    let aboveValue = above.isFinite ? Double(above) : (value < 0 ? -0x1p128 : 0x1p128)
    let (down, up) = (abs(Double(value) - Double(below)), abs(aboveValue - Double(value)))
    if down != up { return down < up ? below : above }
    return below.bitPattern & 0x1_0000 == 0 ? below : above
  }

  @Test func bfloat16RoundsToNearestEven() {
    for value in Self.nasty + Self.random {
      let made = Tensor([value], shape: [1]).converted(to: .bf16).floats[0]
      #expect(value.isNaN ? made.isNaN : made.bitPattern == Self.nearestBfloat16(value).bitPattern, "\(value)")
    }
  }

  @Test func float16EqualsTheProcessorsOwn() {
    for value in Self.nasty + Self.random {
      let tensor = Tensor([value], shape: [1]).converted(to: .f16)
      let expected = Float16(value)
      let bits = tensor.withBytes { $0.loadUnaligned(as: UInt16.self) }
      #expect(value.isNaN ? Float16(bitPattern: bits).isNaN : bits == expected.bitPattern, "\(value)")
    }
  }

  @Test func everyHalfReadsBackAsItself() {
    for bits in UInt16.min...UInt16.max {
      let bytes = [UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]
      let read = Tensor(bytes: bytes, dtype: .f16, shape: [1]).floats[0]
      let expected = Float(Float16(bitPattern: bits))
      #expect(expected.isNaN ? read.isNaN : read.bitPattern == expected.bitPattern)
    }
  }

  @Test func float64RoundsOnce() {
    // Just above the middle between two bfloat16: rounding to float32 first would land on the middle, and then go down.
    let value = 1.00390625 + 1e-12
    let bytes = withUnsafeBytes(of: value.bitPattern) { Array($0) }
    #expect(Tensor(bytes: bytes, dtype: .f64, shape: [1]).converted(to: .bf16).floats == [1.0078125])
  }

  @Test func oddOffsetsAndWholeNumbersAreRead() {
    let buffer = Buffer(count: 9) { $0.copyBytes(from: [7, 0, 0, 128, 63, 0, 0, 0, 64] as [UInt8]) }
    #expect(Tensor(dtype: .f32, shape: [2], buffer: buffer, offset: 1).floats == [1, 2])
    #expect(Tensor(bytes: [255, 1], dtype: .i8, shape: [2]).floats == [-1, 1])
    #expect(Tensor([3, -4], shape: [2]).doubles == [3, -4])
  }

  @Test func theFirstNonFiniteEntryIsFound() {
    var entries = [Float](repeating: 1, count: 10_001)
    #expect(Tensor(entries, shape: [10_001]).firstNonFinite == nil)
    entries[9_000] = -.infinity
    entries[10_000] = .nan
    #expect(Tensor(entries, shape: [10_001]).firstNonFinite == 9_000)
    #expect(Tensor([Float](), shape: [0]).firstNonFinite == nil)
  }

  @Test func rowsAreGathered() {
    let tensor = Tensor([0, 1, 10, 11, 20, 21] as [Float], shape: [3, 2])
    #expect(tensor.rows([2, 0, 2]).floats == [20, 21, 0, 1, 20, 21])
    #expect(tensor.rows([]).shape == [0, 2])
  }
}
