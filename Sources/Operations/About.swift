/// What an operation says of itself: all that help, the reference page and completions know beyond its slots.
public struct About: Sendable {
  /// A published description of a method.
  public struct Paper: Sendable {
    public let title: String
    public let arXiv: String?

    public init(_ title: String, arXiv: String? = nil) {
      self.title = title
      self.arXiv = arXiv
    }
  }

  /// A recipe expression that help shows and a law checks, plans and runs.
  public struct Example: Sendable {
    public let title: String
    /// One expression of the recipe language. Free names stand for inputs that the law makes: any slot's name whose type is an
    /// artifact, plus `a`, `b`, `c` and `base` for checkpoints, `data` for a dataset, `lora` for an adapter, and the functions
    /// `candidate` and `score`.
    public let expression: String

    public init(_ title: String, _ expression: String) {
      self.title = title
      self.expression = expression
    }
  }

  /// The name in recipes: lowercase words joined by underscores.
  public let name: String
  /// One sentence that says what it makes.
  public let summary: String
  /// The formula and what else a reader must know; Markdown, may be empty.
  public let discussion: String
  public let papers: [Paper]
  /// Time and memory in words.
  public let cost: String
  public let examples: [Example]

  public init(
    _ name: String, _ summary: String, discussion: String = "", papers: [Paper] = [], cost: String = "",
    examples: [Example] = []
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.papers = papers
    self.cost = cost
    self.examples = examples
  }
}

/// So that a plugin can write `Example(…)`.
public typealias Example = About.Example
