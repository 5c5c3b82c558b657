import Diagnostics
import Operations

/// A recipe or a library as it was read: its text is understood, nothing is worked out yet.
public struct Recipe: Sendable {
  /// A value for a parameter from the command line.
  public struct Setting: Sendable, Hashable {
    public let name: String
    /// The value as it was typed.
    public let text: String
    /// What messages call the place: `--set samples`, `--samples`.
    public let flag: String

    public init(name: String, text: String, flag: String) {
      self.name = name
      self.text = text
      self.flag = flag
    }
  }

  /// A parameter that a recipe declares.
  public struct Parameter: Sendable {
    public let name: String
    public let type: ValueType
    public let range: NumberRange?
    /// The default as the recipe writes it; nil where one must be given.
    public let defaultText: String?
    /// The `##` lines above it.
    public let documentation: String
    public let place: Place
  }

  /// What a recipe comes to: its steps, and all that was found wrong with it or strange.
  public struct Elaboration: Sendable {
    public let graph: Graph
    public let parameters: [Parameter]
    /// Errors and warnings, sorted.
    public let diagnostics: [Diagnostic]

    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
  }

  private let file: SyntaxFile
  private let path: String
  /// Mistakes of its syntax.
  private let mistakes: [Diagnostic]

  /// Reads a recipe's text.
  ///
  /// - Parameters:
  ///   - source: The text, under the name that messages show.
  ///   - path: Where it lies, absolute: paths in it are seen from there.
  public init(_ source: Source, path: String) {
    (file, mistakes) = Parser.file(source)
    self.path = path
  }

  public var source: Source { file.source }

  /// The title; nil for a library.
  public var title: String? { file.title?.text }

  /// The `##` lines at the top.
  public var documentation: String { file.documentation }

  /// Works the recipe out.
  ///
  /// - Parameters:
  ///   - settings: Values for its parameters; the others have their defaults.
  ///   - isChecked: Whether it is only checked: then a parameter without a value is no mistake, and a library may be.
  ///   - reading: Reads the text of a library by its absolute path.
  public func elaborated(
    _ catalog: Catalog, settings: [Setting] = [], isChecked: Bool = false, reading: @escaping (String) throws -> String
  ) -> Elaboration {
    elaborated(catalog, settings: settings, isChecked: isChecked, effort: Elaborator.mostEffort, reading: reading)
  }

  /// - Parameter effort: How many values it may come to.
  func elaborated(
    _ catalog: Catalog, settings: [Setting], isChecked: Bool, effort: Int, reading: @escaping (String) throws -> String
  ) -> Elaboration {
    var elaborator = Elaborator(catalog: catalog, settings: settings, reading: reading)
    elaborator.effort = effort
    elaborator.needsValues = !isChecked
    elaborator.diagnostics = mistakes
    _ = elaborator.elaborate(file, path: path)
    elaborator.checkSettings()
    if title != nil, mistakes.isEmpty { elaborator.checkUse() }
    if title == nil, !isChecked { elaborator.report(.recipeExpected(source)) }
    let graph = Graph(
      title: title ?? "", steps: elaborator.steps, origins: elaborator.origins, goals: elaborator.goals)
    return Elaboration(graph: graph, parameters: elaborator.parameters, diagnostics: elaborator.reported)
  }

  /// The graph of a recipe that is to run.
  /// - Throws: `DiagnosticsError` with all mistakes.
  public func graph(
    _ catalog: Catalog, settings: [Setting] = [], reading: @escaping (String) throws -> String
  ) throws -> (graph: Graph, warnings: [Diagnostic]) {
    let elaboration = elaborated(catalog, settings: settings, reading: reading)
    guard !elaboration.hasErrors else { throw DiagnosticsError(elaboration.diagnostics) }
    return (elaboration.graph, elaboration.diagnostics)
  }

  /// An export format and its settings, as they stand behind `as`.
  /// - Throws: `DiagnosticsError` with all mistakes.
  public static func format(
    _ source: Source, catalog: Catalog
  ) throws -> (name: String, settings: [String: Value]) {
    let (expression, mistakes) = Parser.expression(source)
    var elaborator = Elaborator(catalog: catalog, settings: []) { _ in "" }
    elaborator.diagnostics = mistakes
    let format = elaborator.format(alone: expression)
    guard elaborator.diagnostics.isEmpty, let format else { throw DiagnosticsError(elaborator.reported) }
    return format
  }

  /// The text in the one form that recipes have.
  /// - Throws: `DiagnosticsError` where it cannot be read.
  public static func formatted(_ source: Source) throws -> String {
    let (_, mistakes) = Parser.file(source)
    guard mistakes.isEmpty else { throw DiagnosticsError(mistakes) }
    return Printer.text(of: source)
  }
}
