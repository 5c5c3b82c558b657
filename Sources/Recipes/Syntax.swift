import Diagnostics

/// A recipe as it is written: its statements, each with its place.
struct SyntaxFile: Sendable {
  let source: Source
  /// The text behind `recipe`; a file without one is a library.
  let title: (text: String, place: Place)?
  /// The `##` lines at the top, without their marks.
  let documentation: String
  let items: [Statement]
}

/// A name and where it stands.
struct NameSyntax: Sendable, Hashable {
  let text: String
  let place: Place
}

/// A statement.
struct Statement: Sendable {
  enum Kind: Sendable {
    case use(path: NameSyntax, name: NameSyntax)
    case param(name: NameSyntax, type: TypeSyntax, value: Expression?)
    case bind(name: NameSyntax, value: Expression)
    case function(FunctionSyntax)
    case require(Expression, message: String?)
    case export(Expression, to: Expression, format: Expression?)
  }

  let kind: Kind
  /// The `##` lines above it, without their marks.
  let documentation: String
  let place: Place
}

struct FunctionSyntax: Sendable {
  struct Parameter: Sendable {
    let name: NameSyntax
    let type: TypeSyntax
    let value: Expression?
  }

  let name: NameSyntax
  let parameters: [Parameter]
  let result: TypeSyntax
  let body: Expression
}

indirect enum TypeSyntax: Sendable {
  case named(NameSyntax, range: RangeSyntax?)
  case list(TypeSyntax)
  case optional(TypeSyntax)
  case missing
}

struct RangeSyntax: Sendable {
  let lower: Expression
  let upper: Expression
  let excludesUpper: Bool
  let place: Place
}

/// An expression and where it stands.
struct Expression: Sendable {
  indirect enum Kind: Sendable {
    case number(Double, unit: String?)
    case text([TextPart])
    case flag(Bool)
    case none
    case name(String)
    case choice(String)
    case list([Expression])
    case comprehension(ComprehensionSyntax)
    case call(Expression, [ArgumentSyntax])
    case field(Expression, NameSyntax)
    case unary(Builtin, Expression)
    case binary(Builtin, Expression, Expression, sign: Place)
    case conditional(Expression, then: Expression, otherwise: Expression)
    case match(NameSyntax, [ArmSyntax])
    /// What could not be read; it has been reported.
    case missing
  }

  let kind: Kind
  let place: Place
  /// How many expressions lie in each other at most, itself among them.
  let depth: Int

  init(kind: Kind, place: Place) {
    self.kind = kind
    self.place = place
    depth = 1 + (kind.parts.map(\.depth).max() ?? 0)
  }
}

extension Expression.Kind {
  /// The expressions that it is made of.
  fileprivate var parts: [Expression] {
    switch self {
    case .number, .flag, .none, .name, .choice, .missing: []
    case .text(let parts): parts.compactMap { if case .value(let value) = $0 { value } else { nil } }
    case .list(let elements): elements
    case .comprehension(let syntax): [syntax.source, syntax.body] + [syntax.condition].compactMap { $0 }
    case .call(let callee, let arguments): [callee] + arguments.map(\.value)
    case .field(let base, _): [base]
    case .unary(_, let operand): [operand]
    case .binary(_, let left, let right, _): [left, right]
    case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
    case .match(_, let arms): arms.map(\.value)
    }
  }
}

enum TextPart: Sendable {
  case literal(String)
  /// `{name}` or `{name.field}`.
  case value(Expression)
}

struct ComprehensionSyntax: Sendable {
  let targets: [NameSyntax]
  let isTuple: Bool
  let source: Expression
  let condition: Expression?
  let body: Expression
}

struct ArgumentSyntax: Sendable {
  let label: NameSyntax?
  let value: Expression
}

struct ArmSyntax: Sendable {
  enum Pattern: Sendable {
    case text(String)
    case range(RangeSyntax)
    case rest
  }

  let pattern: Pattern
  let place: Place
  let value: Expression
}
