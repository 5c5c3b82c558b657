import Fingerprints
import Testing

@testable import Tensors

/// A tensor of these values' bytes.
func tensor<Entry: BitwiseCopyable>(_ entries: [Entry], _ dtype: DType) -> Tensor {
  Tensor(bytes: entries.withUnsafeBytes { Array($0) }, dtype: dtype, shape: [entries.count])
}

/// A tensor's raw entries.
func entries<Entry: BitwiseCopyable>(_ tensor: Tensor, as type: Entry.Type) -> [Entry] {
  tensor.withBytes { bytes in
    (0..<tensor.count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Entry>.size, as: type) }
  }
}

@Suite struct ConversionTests {
  /// Bits from all over float32: every exponent, NaN and infinities among them.
  static let walk = (0..<1 << 20).map { UInt32($0) &* 0x9E37_79B1 }

  /// For every sign, exponent and high bits of the mantissa: low bits exactly at, just above and just below where rounding turns.
  static let ties: [UInt32] = [
    0, 1, 0xFFF, 0x1000, 0x1001, 0x1FFF, 0x2FFF, 0x3000, 0x3001, 0x7FFF, 0x8000, 0x8001, 0xFFFF,
  ].flatMap { low in (0..<65_536).map { UInt32($0) << 16 | low } }

  /// The digest of the 16-bit floats, all NaN written alike.
  private func digest(_ bits: [UInt32], _ dtype: DType, infinity: UInt16, nan: UInt16) -> String {
    let halves = entries(tensor(bits, .f32).converted(to: dtype), as: UInt16.self)
    let canonical = halves.map { $0 & 0x7FFF > infinity ? nan : $0 }
    return canonical.withUnsafeBytes { BLAKE3.hash($0) }.hex
  }

  @Test func float16EqualsNumPys() {
    #expect(
      digest(Self.walk, .f16, infinity: 0x7C00, nan: 0x7E00)
        == "43d37088594fcccfeff9bc49a9757fe485a9dca9c9320caa8a0957a9f7138a9e")
    #expect(
      digest(Self.ties, .f16, infinity: 0x7C00, nan: 0x7E00)
        == "0ad30006394ab7f73f5c9a85c3850dc1fab697655c7c4aa49f7118ffd3f631e1")
  }

  @Test func bfloat16EqualsMLDtypes() {
    #expect(
      digest(Self.walk, .bf16, infinity: 0x7F80, nan: 0x7FC0)
        == "7f1221ff81e0f677e470a3c6be6d2c6b9322ea56f233fdb3fc41d301c074dc39")
    #expect(
      digest(Self.ties, .bf16, infinity: 0x7F80, nan: 0x7FC0)
        == "1b967f41a2e1a127158905c478f0c0cd79acb84352e59642b3e31578adabe5c3")
  }

  /// The value of an IEEE half by the standard's formula.
  static func plain(float16 bits: UInt16) -> Float {
    let (exponent, mantissa) = (Int(bits >> 10 & 31), Float(bits & 1023))
    let magnitude: Float =
      switch exponent {
      case 0: mantissa * 0x1p-24
      case 31: mantissa == 0 ? .infinity : .nan
      default: (1 + mantissa / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
      }
    return bits >> 15 == 1 ? -magnitude : magnitude
  }

  @Test func everyHalfIsReadAndWrittenBack() {
    let halves = Array(UInt16.min...UInt16.max)
    for (dtype, plain) in [
      (DType.f16, Self.plain(float16:)), (.bf16, { Float(bitPattern: UInt32($0) << 16) }),
    ] as [(DType, (UInt16) -> Float)] {
      let read = tensor(halves, dtype).floats
      for (value, half) in zip(read, halves) {
        let expected = plain(half)
        #expect(expected.isNaN ? value.isNaN && value.sign == expected.sign : value.bitPattern == expected.bitPattern)
      }
      let written = entries(Tensor(read, shape: [65_536]).converted(to: dtype), as: UInt16.self)
      for (back, (half, value)) in zip(written, zip(halves, read)) where !value.isNaN { #expect(back == half) }
      #expect(zip(tensor(halves, dtype).doubles, read).allSatisfy { $0 == Double($1) || $0.isNaN && $1.isNaN })
    }
  }

  /// NumPy rounds float64 to half precision once; a quarter of these lie on a tie and a half next to one.
  @Test func float64RoundsOnceToFloat16() {
    let values = (0..<UInt64(1) << 18).map { index -> UInt64 in
      let bits = index &* 0x9E37_79B9_7F4A_7C15
      let exponent = (bits >> 40) % 44 + 997
      let value = bits & 0x800F_FFFF_FFFF_FFFF | exponent << 52
      let tie = value & ~((1 << 42) - 1) | 1 << 41
      return [value, tie, tie + 1, tie - 1][Int(index % 4)]
    }
    let halves = tensor(values, .f64).converted(to: .f16)
    #expect(
      halves.withBytes { BLAKE3.hash($0) }.hex == "9b4b3351f657259d779469c7d1a9007309d3bb684f0048bb179f48b263665251")
  }

  @Test func float64RoundsOnceToBfloat16() {
    // Just above the middle between two: rounding to float32 first would land on the middle, and then go down.
    let values: [Double] = [
      1.00390625 + 1e-12, 1.00390625, 1.00390625 - 1e-12, -1.00390625 - 1e-12, 1e300, -1e300, .infinity, 1e-300,
      0x1p-134,
      0x1.0000001p-134, -0.0, 0x1.FEFFFFFFp127, 0x1.FFp127,
    ]
    let expected: [Float] = [
      1.0078125, 1, 1, -1.0078125, .infinity, -.infinity, .infinity, 0, 0, 0x1p-133, -0.0, 0x1.FEp127, .infinity,
    ]
    let made = tensor(values, .f64).converted(to: .bf16)
    #expect(made.floats.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(tensor([Double.nan], .f64).converted(to: .bf16).floats[0].isNaN)
  }

  @Test func float64AndFloat32AreTheLanguagesOwn() {
    let values = Self.walk.prefix(10_000).map { Double(Float(bitPattern: $0)) * 1.000000001 }
    let narrowed = tensor(values, .f64).floats
    for (value, made) in zip(values, narrowed) where !value.isNaN { #expect(made == Float(value)) }
    #expect(tensor(values, .f64).floats.filter(\.isNaN).count == values.filter(\.isNaN).count)
    #expect(Tensor([0.1, -0.0], shape: [2]).doubles == [Double(Float(0.1)), -0.0])
  }

  @Test func wholeNumbersBecomeTheNearestFloats() {
    #expect(tensor([-128, 127] as [Int8], .i8).floats == [-128, 127])
    #expect(tensor([0, 255] as [UInt8], .u8).doubles == [0, 255])
    #expect(tensor([.min, .max] as [Int16], .i16).converted(to: .f64).doubles == [-32768, 32767])
    #expect(tensor([.max] as [UInt16], .u16).converted(to: .f16).floats == [.infinity])
    #expect(tensor([16_777_217, -16_777_219] as [Int32], .i32).floats == [16_777_216, -16_777_220])
    #expect(tensor([.max] as [UInt32], .u32).doubles == [4_294_967_295])
    #expect(tensor([.max, .min] as [Int64], .i64).floats == [0x1p63, -0x1p63])
    #expect(tensor([.max] as [UInt64], .u64).doubles == [0x1p64])
  }

  @Test func wholeNumbersAreRoundedAndClamped() {
    let values: [Float] = [0.5, 1.5, -2.5, 2.4999, 300, -300, .infinity, -.infinity, .nan, -0.0]
    let made = Tensor(values, shape: [10])
    #expect(entries(made.converted(to: .i8), as: Int8.self) == [0, 2, -2, 2, 127, -128, 127, -128, 0, 0])
    #expect(entries(made.converted(to: .u8), as: UInt8.self) == [0, 2, 0, 2, 255, 0, 255, 0, 0, 0])
    #expect(made.integers == [0, 2, -2, 2, 300, -300, .max, .min, 0, 0])
    #expect(tensor([-1, .max] as [Int64], .i64).converted(to: .u32).integers == [0, 4_294_967_295])
    #expect(tensor([.max, 7] as [UInt64], .u64).integers == [.max, 7])
    #expect(tensor([-1] as [Int16], .i16).converted(to: .u64).integers == [0])
    #expect(tensor([-5] as [Int32], .i32).converted(to: .i16).integers == [-5])
  }

  static let floatTypes: [DType] = [.f64, .f32, .f16, .bf16]

  /// Lengths round the width of vectors and of blocks, at an even and at an odd address.
  @Test(arguments: floatTypes, floatTypes) func addressAndLengthChangeNothing(from: DType, to: DType) {
    for count in [0, 1, 3, 15, 17, 2047, 2048, 2049, 5001] {
      let values = (0..<count).map { Float(($0 * 7919) % 10_007) / 37 - 100 }
      let whole = Tensor(values, shape: [count]).converted(to: from)
      let one = (0..<count).map { Tensor([values[$0]], shape: [1]).converted(to: from).converted(to: to) }
      for offset in [0, 1, 2] {
        let buffer = Buffer(count: whole.byteCount + offset) { target in
          target.copyBytes(from: Array(repeating: 0xFF, count: offset) + whole.withBytes { Array($0) })
        }
        let moved = Tensor(dtype: from, shape: [count], buffer: buffer, offset: offset)
        #expect(moved.converted(to: to).withBytes { Array($0) } == one.flatMap { $0.withBytes { Array($0) } })
        #expect(moved.withFloats { Array($0) } == whole.floats)
      }
    }
  }

  @Test func runsAreCopied() {
    let whole = Tensor((0..<5000).map(Float.init), shape: [5000])
    for dtype in Self.floatTypes + [.i32] {
      let source = whole.converted(to: dtype)
      var run = [Float](repeating: -1, count: 10)
      run.withUnsafeMutableBufferPointer { source.copyFloats(200..<209, to: $0) }
      #expect(run == (200..<209).map(Float.init) + [-1])
    }
  }
}
