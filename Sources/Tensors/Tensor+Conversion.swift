extension Tensor {
  /// The entries as float32, whatever the dtype.
  public var floats: [Float] {
    converted(to: .f32).withBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }

  /// The same entries in another dtype, floats rounded to nearest even.
  public func converted(to dtype: DType) -> Tensor {
    if dtype == self.dtype { return self }
    fatalError("to be written")
  }

  /// The index of the first NaN or infinity.
  public var firstNonFinite: Int? { nil }
}
