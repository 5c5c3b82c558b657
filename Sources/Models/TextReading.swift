import Operations

/// How texts are made to fit a model: what every operation asks that reads a dataset for one.
public struct TextReading: SharedSettings {
  @Param(
    "The most tokens of a text or window; as many as the model reads where it is left out.", in: 2...1_000_000,
    unit: .tokens)
  public var length: Int? = nil
  @Param("Whether texts that are longer are cut off.")
  public var truncate: Bool = false

  public init() {}

  public var lengths: TextLengths { TextLengths(longest: length, truncates: truncate) }
}
