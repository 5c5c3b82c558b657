import Operations

/// How much of a dataset is looked at by operations that estimate something from examples.
public struct Sampling: SharedSettings {
  @Param(
    "The most examples, or windows of text, of each dataset that are used, from the first on.", in: 1...1_000_000_000,
    unit: .examples)
  public var samples: Int = 256

  public init() {}

  /// With another default.
  public init(of samples: Int) { _samples = _samples.defaulting(to: samples) }
}
