/// Bytes of valid UTF-8.
typealias Bytes = UnsafeBufferPointer<UInt8>

/// The scalar at an offset and how many bytes it has. The bytes are valid UTF-8 and the offset is at a scalar's start.
@inline(__always)
func scalar(_ bytes: Bytes, at offset: Int) -> (value: UInt32, length: Int) {
  let base = bytes.baseAddress.unsafelyUnwrapped + offset
  let first = UInt32(base[0])
  if first < 0x80 { return (first, 1) }
  if first < 0xE0 { return ((first & 0x1F) << 6 | UInt32(base[1] & 0x3F), 2) }
  if first < 0xF0 { return ((first & 0x0F) << 12 | UInt32(base[1] & 0x3F) << 6 | UInt32(base[2] & 0x3F), 3) }
  let high = (first & 0x07) << 18 | UInt32(base[1] & 0x3F) << 12
  return (high | UInt32(base[2] & 0x3F) << 6 | UInt32(base[3] & 0x3F), 4)
}

/// How many bytes the scalar has that begins with this byte.
@inline(__always)
func scalarLength(_ first: UInt8) -> Int {
  first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
}

/// Whether a byte goes on with a scalar.
@inline(__always)
func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

/// The scalar that ends before an offset, and where it starts.
@inline(__always)
func scalar(_ bytes: Bytes, before offset: Int) -> (value: UInt32, start: Int) {
  var start = offset - 1
  while isContinuation(bytes[start]) { start -= 1 }
  return (scalar(bytes, at: start).value, start)
}

extension Array where Element == UInt8 {
  @inline(__always)
  mutating func append(scalar: UInt32) {
    if scalar < 0x80 {
      append(UInt8(scalar))
    } else if scalar < 0x800 {
      append(UInt8(0xC0 | scalar >> 6))
      append(UInt8(0x80 | scalar & 0x3F))
    } else if scalar < 0x10000 {
      append(UInt8(0xE0 | scalar >> 12))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    } else {
      append(UInt8(0xF0 | scalar >> 18))
      append(UInt8(0x80 | scalar >> 12 & 0x3F))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    }
  }

  var isASCII: Bool {
    withUnsafeBytes { raw in
      var offset = 0
      while offset + 8 <= raw.count {
        if raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return false }
        offset += 8
      }
      while offset < raw.count {
        if raw[offset] >= 0x80 { return false }
        offset += 1
      }
      return true
    }
  }
}
