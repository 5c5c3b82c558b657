import Diagnostics
import Operations

/// What a name means in a file.
enum Named: Sendable {
  case value(Typed)
  case function(Function)
  /// The number of a library's file.
  case library(Int)
}

/// A function of a recipe; it sees what stands above it in its file.
struct Function: Sendable {
  let syntax: FunctionSyntax
  let parameters: [(name: String, type: ValueType, range: NumberRange?, value: Expression?)]
  let result: ValueType
  let file: Int
  /// How many names stand above it.
  let visible: Int
}

/// A file's names, in the order in which they are given.
struct FileScope: Sendable {
  let source: Source
  /// The folder that its paths are seen from.
  let folder: String
  /// Every name of the file with its place, known before its value is.
  let declared: [String: Place]
  private(set) var names: [String: (meaning: Named, order: Int, place: Place)] = [:]
  private(set) var used: Set<String> = []

  init(_ file: SyntaxFile, folder: String) {
    source = file.source
    self.folder = folder
    declared = Dictionary(file.items.compactMap(\.name).map { ($0.text, $0.place) }) { first, _ in first }
  }

  var count: Int { names.count }

  mutating func define(_ name: NameSyntax, _ meaning: Named) {
    names[name.text] = (meaning, names.count, name.place)
  }

  /// What a name means to whoever sees only the first so many names.
  mutating func meaning(of name: String, visible: Int) -> Named? {
    guard let found = names[name], found.order < visible else { return nil }
    used.insert(name)
    return found.meaning
  }
}

extension Statement {
  /// The name that a statement gives.
  var name: NameSyntax? {
    switch kind {
    case .use(_, let name), .param(let name, _, _), .bind(let name, _): name
    case .function(let function): function.name
    case .require, .export: nil
    }
  }
}

/// Where an expression stands while it is worked out.
struct Surroundings: Sendable {
  let file: Int
  /// How many of the file's names it sees.
  let visible: Int
  /// The names of parameters and of comprehensions' elements.
  var locals: [String: Typed] = [:]
  /// What a step made here is called.
  var label: String

  func labelled(_ suffix: String) -> Surroundings {
    var copy = self
    copy.label += suffix
    return copy
  }

  func with(_ name: String, _ value: Typed) -> Surroundings {
    var copy = self
    copy.locals[name] = value
    return copy
  }
}
