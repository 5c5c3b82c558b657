/// One of the program's commands: the parser, help, completions and the reference page all read this.
struct Command: Sendable {
  /// What help lists it under.
  enum Group: String, CaseIterable {
    case recipes = "Recipes"
    case results = "Results"
    case reference = "Reference"
  }

  let name: String
  let group: Group
  /// One sentence.
  let summary: String
  /// What else a reader must know; paragraphs, may be empty.
  let discussion: String
  let operands: [Operand]
  let options: [any OptionDeclaration]
  /// Whether `--name value` may also set a parameter of the recipe.
  let takesSettings: Bool
  /// Command lines to learn from.
  let examples: [String]
  /// Does it, and gives the exit status.
  let run: @Sendable (Invocation) throws -> Int32

  init(
    _ name: String, _ group: Group, _ summary: String, discussion: String = "", operands: [Operand] = [],
    options: [any OptionDeclaration] = [], takesSettings: Bool = false, examples: [String] = [],
    run: @escaping @Sendable (Invocation) throws -> Int32
  ) {
    self.name = name
    self.group = group
    self.summary = summary
    self.discussion = discussion
    self.operands = operands
    self.options = options
    self.takesSettings = takesSettings
    self.examples = examples
    self.run = run
  }

  var usage: String {
    let settings = takesSettings ? ["[--PARAMETER VALUE]…"] : []
    let rest = options.isEmpty ? [] : ["[OPTIONS]"]
    return (["mergekit", name] + operands.map(\.usage) + settings + rest).joined(separator: " ")
  }
}

/// What a command is told by position.
struct Operand: Sendable {
  enum Arity { case one, optional, any, some }

  let name: String
  let arity: Arity
  let completion: Completion
  /// One sentence.
  let text: String

  init(_ name: String, _ arity: Arity = .one, _ completion: Completion = .nothing, _ text: String) {
    self.name = name
    self.arity = arity
    self.completion = completion
    self.text = text
  }

  var usage: String {
    switch arity {
    case .one: name
    case .optional: "[\(name)]"
    case .any: "[\(name)]…"
    case .some: "\(name)…"
    }
  }
}
