/// A block of numbers with a shape: row-major, little-endian, never changed once made.
public struct Tensor: Sendable {
  public let dtype: DType
  public let shape: Shape
  private let storage: Storage

  private enum Storage: Sendable {
    case memory(Buffer, offset: Int)
    case stream(TensorStream)
  }

  /// A view of `shape.count` entries that start `offset` bytes into a buffer. The bytes need no alignment.
  public init(dtype: DType, shape: Shape, buffer: Buffer, offset: Int = 0) {
    precondition(
      offset >= 0 && offset + shape.count * dtype.size <= buffer.count, "a tensor lies wholly within its buffer")
    self.init(dtype: dtype, shape: shape, storage: .memory(buffer, offset: offset))
  }

  /// A tensor of which only what is looked at is read.
  public init(_ stream: TensorStream, shape: Shape) {
    precondition(stream.count == shape.count, "\(stream.count) entries do not fill a tensor of \(shape)")
    self.init(dtype: stream.dtype, shape: shape, storage: .stream(stream))
  }

  private init(dtype: DType, shape: Shape, storage: Storage) {
    self.dtype = dtype
    self.shape = shape
    self.storage = storage
  }

  /// A float32 tensor whose entries `fill` writes; it gets them uninitialised and must write them all.
  public init(shape: Shape, fill: (UnsafeMutableBufferPointer<Float>) throws -> Void) rethrows {
    let buffer = try Buffer(count: shape.count * 4) { bytes in try fill(bytes.bindMemory(to: Float.self)) }
    self.init(dtype: .f32, shape: shape, buffer: buffer)
  }

  /// A float32 tensor of these entries.
  public init(_ entries: [Float], shape: Shape) {
    precondition(entries.count == shape.count, "\(entries.count) entries do not fill a tensor of \(shape)")
    self.init(shape: shape) { _ = $0.initialize(from: entries) }
  }

  /// An int64 tensor of these entries.
  public init(_ entries: [Int], shape: Shape) {
    precondition(entries.count == shape.count, "\(entries.count) entries do not fill a tensor of \(shape)")
    let buffer = Buffer(count: entries.count * 8) { bytes in
      _ = bytes.bindMemory(to: Int64.self).initialize(from: entries.lazy.map(Int64.init))
    }
    self.init(dtype: .i64, shape: shape, buffer: buffer)
  }

  /// A float64 tensor of these entries.
  public init(doubles entries: [Double], shape: Shape) {
    precondition(entries.count == shape.count, "\(entries.count) entries do not fill a tensor of \(shape)")
    let buffer = Buffer(count: entries.count * 8) { _ = $0.bindMemory(to: Double.self).initialize(from: entries) }
    self.init(dtype: .f64, shape: shape, buffer: buffer)
  }

  /// A tensor of these raw bytes.
  public init(bytes: [UInt8], dtype: DType, shape: Shape) {
    precondition(bytes.count == shape.count * dtype.size, "\(bytes.count) bytes do not fill \(dtype.rawValue) \(shape)")
    let buffer = Buffer(count: bytes.count) { $0.copyBytes(from: bytes) }
    self.init(dtype: dtype, shape: shape, buffer: buffer)
  }

  /// Number of entries.
  public var count: Int { shape.count }

  public var byteCount: Int { shape.count * dtype.size }

  /// The entries' bytes, as a safetensors file holds them.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withBytes(of: 0..<count, body)
  }

  /// The bytes of a run of entries.
  func withBytes<Result>(
    of run: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    switch storage {
    case .memory(let buffer, let offset):
      let bytes = offset + run.lowerBound * dtype.size..<offset + run.upperBound * dtype.size
      return try buffer.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[bytes])) }
    case .stream(let stream): return try stream.withBytes(of: run, body)
    }
  }

  /// Where the bytes of a run of entries lie: while the tensor lives and, of a stream, until another run is looked at.
  func place(of run: Range<Int>) -> UnsafeRawPointer {
    switch storage {
    case .memory(let buffer, let offset):
      guard let base = buffer.bytes.baseAddress else { preconditionFailure("a run has entries") }
      return base + (offset + run.lowerBound * dtype.size)
    case .stream(let stream): return stream.place(of: run)
    }
  }

  /// The same entries under another shape of as many.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(shape.count == count, "\(self.shape) holds \(count) entries, \(shape) holds \(shape.count)")
    return Tensor(dtype: dtype, shape: shape, storage: storage)
  }
}
