/// Something that is not as it should be.
public struct Finding: Sendable, Hashable {
  public enum Weight: String, Sendable {
    /// What was stored is no longer what was stored.
    case damage
    /// Nothing is wrong with the registry: something outside has changed.
    case note
  }

  public let weight: Weight
  /// What is wrong, naming the file: lowercase, without a full stop.
  public let what: String
  /// What follows from it.
  public let consequence: String
  /// What to do.
  public let help: String
  /// Whether it was put right.
  public internal(set) var isRepaired = false
}
