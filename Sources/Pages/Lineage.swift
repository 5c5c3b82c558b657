import Fingerprints
import Formats
import Foundation
import Operations
import Recipes

/// What a page shows: runs and what each was made from, the applies that made or found them, and the recipes that asked.
public struct Lineage: Sendable {
  /// A run and what came of it.
  public struct Step: Sendable {
    public struct Input: Sendable {
      public let slot: String
      /// What the recipe calls it, or the first digits of its digest.
      public let label: String
      /// The step that made it, by index; nil where that is not on the page.
      public let maker: Int?

      public init(slot: String, label: String, maker: Int?) {
        self.slot = slot
        self.label = label
        self.maker = maker
      }
    }

    public let run: Int
    /// What the recipe calls it.
    public let label: String
    public let operation: String
    public let version: Int
    public let recipe: String
    /// The kind of its result.
    public let kind: String
    public let artifact: Digest
    public let key: Digest
    public let started: Date
    public let seconds: Double
    public let inputs: [Input]
    /// Its settings, by name, in their order.
    public let settings: [(name: String, value: String)]
    /// What is known of the result: a model's configuration, the numbers of metrics.
    public let facts: JSON
    /// How large the result is, in words.
    public let size: String
    /// Where the result was exported to.
    public let exports: [String]
    /// What can be drawn as a line: the loss of a training, the scores of a search.
    public let curves: [Curve]

    public init(
      run: Int, label: String, operation: String, version: Int, recipe: String, kind: String, artifact: Digest,
      key: Digest, started: Date, seconds: Double, inputs: [Input], settings: [(name: String, value: String)],
      facts: JSON, size: String, exports: [String], curves: [Curve]
    ) {
      self.run = run
      self.label = label
      self.operation = operation
      self.version = version
      self.recipe = recipe
      self.kind = kind
      self.artifact = artifact
      self.key = key
      self.started = started
      self.seconds = seconds
      self.inputs = inputs
      self.settings = settings
      self.facts = facts
      self.size = size
      self.exports = exports
      self.curves = curves
    }
  }

  /// One time that a recipe was applied.
  public struct Apply: Sendable {
    public let id: Int
    public let recipe: String
    /// How it ended, in one word.
    public let outcome: String
    /// Why it failed; empty where it did not.
    public let message: String
    public let started: Date
    public let finished: Date?
    /// By index, in the order of the plan.
    public let steps: [(step: Int, reused: Bool)]

    public init(
      id: Int, recipe: String, outcome: String, message: String, started: Date, finished: Date?,
      steps: [(step: Int, reused: Bool)]
    ) {
      self.id = id
      self.recipe = recipe
      self.outcome = outcome
      self.message = message
      self.started = started
      self.finished = finished
      self.steps = steps
    }
  }

  /// What the page is about, as its heading.
  public let title: String
  public let steps: [Step]
  /// Newest first; none where the page is about one result.
  public let applies: [Apply]
  /// The recipes' paths and texts, as they were applied last.
  public let recipes: [(path: String, listing: Listing)]
  /// Facts about the machines that ran the steps.
  public let environment: [(name: String, value: String)]

  public init(
    title: String, steps: [Step], applies: [Apply], recipes: [(path: String, listing: Listing)],
    environment: [(name: String, value: String)]
  ) {
    self.title = title
    self.steps = steps
    self.applies = applies
    self.recipes = recipes
    self.environment = environment
  }

  /// For each step those that made what it read, by index, each once.
  var parents: [[Int]] {
    steps.map { step in
      var makers: [Int] = []
      for case let maker? in step.inputs.map(\.maker) where !makers.contains(maker) { makers.append(maker) }
      return makers
    }
  }
}

extension Lineage {
  /// What a recipe calls all of a step's like: `scores[]` for `scores[3]`.
  public static func family(_ label: String) -> String {
    let bytes = Array(label.utf8)
    guard bytes.contains(UInt8(ascii: "[")) else { return label }
    var family: [UInt8] = []
    var offset = 0
    while offset < bytes.count {
      family.append(bytes[offset])
      offset += 1
      guard family.last == UInt8(ascii: "[") else { continue }
      let end = bytes[offset...].firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? bytes.count
      if end > offset, end < bytes.count, bytes[end] == UInt8(ascii: "]") { offset = end }
    }
    return String(decoding: family, as: UTF8.self)
  }
}

extension Lineage.Step {
  var family: String { Lineage.family(label) }
}
