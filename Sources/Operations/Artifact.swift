import Formats

/// A typed view of an artifact's content: what operations take and make.
public protocol Artifact: Sendable {
  static var kind: ArtifactKind { get }
  var content: Content { get }
  init(_ content: Content)
}

extension Artifact {
  /// What errors call it.
  public var label: String { content.label }
}

/// A model's weights, with its configuration as `facts`.
public struct Checkpoint: Artifact {
  public static let kind = ArtifactKind.checkpoint
  public let content: Content
  public init(_ content: Content) { self.content = content }

  /// The model's configuration, as its `config.json` has it.
  public var config: JSON { content.facts }
}

/// What changes a model without being one: factors of low rank and the like, with PEFT's configuration as `facts`.
public struct Adapter: Artifact {
  public static let kind = ArtifactKind.adapter
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// Skills that tasks mix, each layer's by logits of its own: what becomes an adapter once a task is chosen. PEFT's configuration
/// is its `facts`.
public struct Inventory: Artifact {
  public static let kind = ArtifactKind.inventory
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// What one checkpoint adds to another: entry by entry, in float32.
public struct Delta: Artifact {
  public static let kind = ArtifactKind.delta
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// Examples to learn from or to measure on, by columns; facts hold `rows`, `columns`, `label` and `classes`.
public struct Dataset: Artifact {
  public static let kind = ArtifactKind.dataset
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// An estimate of a model's diagonal Fisher information: one non-negative number for each entry of each tensor.
public struct Fisher: Artifact {
  public static let kind = ArtifactKind.fisher
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// Sums over what went through a model's layers: for each weight the mean of x xᵀ over its inputs x, (in, in).
public struct Statistics: Artifact {
  public static let kind = ArtifactKind.statistics
  public let content: Content
  public init(_ content: Content) { self.content = content }
}

/// Numbers that came out of a measurement, as `facts`, and what they were computed from, as tensors.
public struct Metrics: Artifact {
  public static let kind = ArtifactKind.metrics
  public let content: Content
  public init(_ content: Content) { self.content = content }
}
