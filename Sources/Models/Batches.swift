import Operations

/// How much operations look at that go over a dataset step by step.
public struct Batches: SharedSettings {
  @Param("Examples that each step looks at.", in: 1...1_000_000, unit: .examples)
  public var batch: Int = 16

  public init() {}

  /// With another default.
  public init(of batch: Int) { _batch = _batch.defaulting(to: batch) }
}
