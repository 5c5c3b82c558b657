import Diagnostics
import Foundation
import Operations

/// Works a recipe out: gives every expression its type and, as far as it is known, its value, and makes the graph of steps.
///
/// Checking and working out are one pass over the syntax. Function bodies are also checked where they stand, with unknown
/// arguments, so that a mistake in a function that nothing calls is found too.
struct Elaborator {
  let catalog: Catalog
  /// Reads a library's text by its path.
  let reading: (String) throws -> String
  let settings: [Recipe.Setting]

  var diagnostics: [Diagnostic] = []
  var files: [FileScope] = []
  private(set) var parameters: [Recipe.Parameter] = []
  private(set) var goals: [Goal] = []
  private(set) var steps: [Step] = []
  private(set) var origins: [StepOrigin] = []
  private var numbers: [Step: StepID] = [:]
  /// Paths of the libraries that are being read, outermost first.
  private var openFiles: [String] = []
  /// Where each pattern of a `match tensor` stands.
  var patterns: [Pattern: Place] = [:]
  /// Whether a parameter without a value is a mistake: it is when the recipe is to run.
  var needsValues = true
  /// How much more work it may take; negative once that was reported.
  var effort = Elaborator.mostEffort

  init(catalog: Catalog, settings: [Recipe.Setting], reading: @escaping (String) throws -> String) {
    self.catalog = catalog
    self.settings = settings
    self.reading = reading
  }

  mutating func report(_ diagnostic: Diagnostic) { diagnostics.append(diagnostic) }

  /// All mistakes, each once: the body of a comprehension is worked out for every element.
  var reported: [Diagnostic] {
    var seen: Set<Diagnostic> = []
    return Diagnostic.sorted(diagnostics.filter { seen.insert($0).inserted })
  }

  // MARK: Files

  /// Works out a file and returns its number.
  mutating func elaborate(_ file: SyntaxFile, path: String) -> Int {
    let number = files.count
    files.append(FileScope(file, folder: (path as NSString).deletingLastPathComponent))
    openFiles.append(path)
    for item in file.items { elaborate(item, in: number, isLibrary: number > 0) }
    openFiles.removeLast()
    return number
  }

  private mutating func elaborate(_ item: Statement, in file: Int, isLibrary: Bool) {
    let here = Surroundings(file: file, visible: files[file].count, label: "")
    switch item.kind {
    case .use(let path, let name): define(name, use(path, from: file), in: file)
    case .bind(let name, let value):
      define(name, .value(typed(value, here.labelled(name.text))), in: file)
    case .function(let syntax): define(syntax.name, function(syntax, here), in: file)
    case .param, .require, .export:
      guard !isLibrary else { return report(.libraryExports(at: item.place)) }
      elaborate(goal: item, here)
    }
  }

  private mutating func elaborate(goal item: Statement, _ here: Surroundings) {
    switch item.kind {
    case .param(let name, let type, let value):
      define(name, .value(parameter(name, type, value, item.documentation, here)), in: here.file)
    case .require(let condition, let message): require(condition, message, here)
    case .export(let value, let path, let format): export(value, to: path, format, at: item.place, here)
    case .use, .bind, .function: break
    }
  }

  private mutating func define(_ name: NameSyntax, _ meaning: Named, in file: Int) {
    guard !name.text.isEmpty else { return }
    if let first = files[file].names[name.text] {
      return report(.nameTwice(name.text, at: name.place, first: first.place))
    }
    files[file].define(name, meaning)
  }

  private mutating func use(_ path: NameSyntax, from file: Int) -> Named {
    let unknown = Named.value(.unknown(path.place))
    guard !path.text.isEmpty else { return unknown }
    let full = absolute(path.text, in: file)
    guard !openFiles.contains(full) else {
      report(.libraryUsesItself(path.text, at: path.place))
      return unknown
    }
    do {
      let source = Source(name: Self.shown(path.text, beside: files[file].source.name), text: try reading(full))
      let (syntax, mistakes) = Parser.file(source)
      diagnostics += mistakes
      return .library(elaborate(syntax, path: full))
    } catch {
      let reason = (error as? OperationError)?.message ?? "\(error)"
      report(.libraryNotFound(path.text, reason, at: path.place))
      return unknown
    }
  }

  /// A library's path as messages show it: beside the file that uses it.
  private static func shown(_ path: String, beside name: String) -> String {
    let folder = (name as NSString).deletingLastPathComponent
    return path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path
  }

  /// A path as the file in which it is written sees it.
  func absolute(_ path: String, in file: Int) -> String {
    let full = path.hasPrefix("/") ? path : files[file].folder + "/" + path
    return (full as NSString).standardizingPath
  }

  // MARK: Parameters

  private mutating func parameter(
    _ name: NameSyntax, _ syntax: TypeSyntax, _ value: Expression?, _ documentation: String, _ here: Surroundings
  ) -> Typed {
    guard let (type, range) = valueType(syntax, here) else { return .unknown(name.place) }
    parameters.append(
      Recipe.Parameter(
        name: name.text, type: type, range: range, defaultText: value?.place.text, documentation: documentation,
        place: name.place))
    let target = Target(what: "`\(name.text)`", type: type, range: range)
    let fitted = value.flatMap { fit(typed($0, here.labelled(name.text)), target) }
    guard let setting = settings.last(where: { $0.name == name.text }) else {
      if value == nil, type != .optional(type), needsValues { report(.parameterMissing(name.text, at: name.place)) }
      return Typed(type: Type(type), item: fitted, place: name.place)
    }
    let given = typed(setting, type, here)
    return Typed(type: Type(type), item: fit(given, target), place: name.place)
  }

  /// A value from the command line, read by the language's own rules; a text may do without its quotes.
  private mutating func typed(_ setting: Recipe.Setting, _ type: ValueType, _ here: Surroundings) -> Typed {
    let source = Source(name: setting.flag, text: setting.text)
    let whole = Place(source, 0..<source.bytes.count)
    let wantsText = type == .text || type == .optional(.text)
    if wantsText, !setting.text.hasPrefix("\""), !(type != .text && setting.text == "none") {
      return Typed(type: .text, item: .value(.text(setting.text)), place: whole)
    }
    let (expression, mistakes) = Parser.expression(source)
    diagnostics += mistakes
    return mistakes.isEmpty ? typed(expression, here) : .unknown(whole)
  }

  /// Reports settings for parameters that the recipe does not have.
  mutating func checkSettings() {
    let known = parameters.map(\.name)
    for setting in settings where !known.contains(setting.name) {
      let source = Source(name: setting.flag, text: setting.name)
      report(.parameterUnknown(setting.name, at: Place(source, 0..<source.bytes.count), parameters: known))
    }
  }

  /// Reports names of the recipe itself that nothing uses.
  mutating func checkUse() {
    guard let file = files.first else { return }
    for (name, found) in file.names.sorted(by: { $0.value.order < $1.value.order }) where !file.used.contains(name) {
      var isArtifact = false
      if case .value(let typed) = found.meaning { isArtifact = typed.type.isMadeOfArtifacts }
      report(.unused(name, at: found.place, isArtifact: isArtifact))
    }
  }

  // MARK: Functions

  private mutating func function(_ syntax: FunctionSyntax, _ here: Surroundings) -> Named {
    var parameters: [(name: String, type: ValueType, range: NumberRange?, value: Expression?)] = []
    var inside = here.labelled(syntax.name.text)
    var isKnown = true
    for parameter in syntax.parameters {
      guard let (type, range) = valueType(parameter.type, here) else {
        isKnown = false
        continue
      }
      if parameters.contains(where: { $0.name == parameter.name.text }) {
        report(.nameTwice(parameter.name.text, at: parameter.name.place, first: parameter.name.place))
      }
      if let value = parameter.value {
        _ = fit(typed(value, here), Target(what: "`\(parameter.name.text)`", type: type, range: range))
      }
      parameters.append((parameter.name.text, type, range, parameter.value))
      inside = inside.with(
        parameter.name.text, Typed(type: Type(type, anyFieldOf: catalog), item: nil, place: parameter.name.place))
    }
    guard let (result, _) = valueType(syntax.result, here), isKnown else { return .value(.unknown(syntax.name.place)) }
    _ = fit(typed(syntax.body, inside), Target(what: "`\(syntax.name.text)`", type: result, range: nil, gives: true))
    return .function(
      Function(syntax: syntax, parameters: parameters, result: result, file: here.file, visible: here.visible))
  }

  /// Types that are no kinds of artifacts.
  private static let plainTypes: [String: ValueType] = [
    "number": .number, "fraction": .fraction, "count": .count(nil), "bytes": .bytes, "duration": .duration,
    "text": .text, "flag": .flag,
  ]

  /// The type that a recipe writes, with the range of its numbers.
  private mutating func valueType(_ syntax: TypeSyntax, _ here: Surroundings) -> (ValueType, NumberRange?)? {
    switch syntax {
    case .missing: return nil
    case .list(let element): return valueType(element, here).map { (.list($0.0), $0.1) }
    case .optional(let wrapped): return valueType(wrapped, here).map { (.optional($0.0), $0.1) }
    case .named(let name, let range):
      let isKind =
        ArtifactKind.all.contains { $0.name == name.text }
        || catalog.entries.contains { $0.signature.output.name == name.text }
      guard let type = Self.plainTypes[name.text] ?? (isKind ? .artifact(ArtifactKind(name.text)) : nil)
      else {
        let kinds = Set(catalog.entries.map(\.signature.output.name)).union(ArtifactKind.all.map(\.name)).sorted()
        report(.typeUnknown(name.text, at: name.place, known: Self.plainTypes.keys.sorted() + kinds))
        return nil
      }
      return (
        type, range.flatMap { numberRange($0, here) } ?? (type == .fraction ? NumberRange(lower: 0, upper: 1) : nil)
      )
    }
  }

  mutating func numberRange(_ syntax: RangeSyntax, _ here: Surroundings) -> NumberRange? {
    func end(_ expression: Expression) -> Double? {
      let target = Target(what: "a range's end", type: .number, range: nil)
      guard case .value(.number(let number))? = fit(typed(expression, here), target) else { return nil }
      return number
    }
    guard let lower = end(syntax.lower), let upper = end(syntax.upper) else { return nil }
    return NumberRange(lower: lower, upper: upper, excludesUpper: syntax.excludesUpper)
  }

  // MARK: Goals

  private mutating func require(_ condition: Expression, _ message: String?, _ here: Surroundings) {
    let typed = typed(condition, here.labelled("require"))
    guard typed.type == .flag else {
      if typed.type != .unknown { report(.conditionIsNoFlag(typed.type, at: typed.place)) }
      return
    }
    if let formula = typed.item?.formula {
      goals.append(.require(Requirement(formula: formula, message: message, place: condition.place)))
    }
  }

  private mutating func export(
    _ value: Expression, to path: Expression, _ format: Expression?, at place: Place, _ here: Surroundings
  ) {
    let exported = typed(value, here.labelled("export"))
    let target = Target(what: "an export's path", type: .text, range: nil)
    let path = (text: fit(typed(path, here), target), place: path.place)
    let format = format.map { self.format($0, here) }
    guard exported.type.isMadeOfArtifacts else {
      if exported.type != .unknown { report(.exportsNothing(exported.type, at: exported.place)) }
      return
    }
    guard case .value(.text(let text))? = path.text else { return }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard !text.isEmpty, !parts.contains(where: { $0 == ".." || $0 == "." || $0.isEmpty }) else {
      return report(.exportPathLeaves(text, at: path.place))
    }
    guard let steps = exported.item?.steps, format == nil || format! != nil else { return }
    var isList = false
    if case .list = exported.type { isList = true }
    goals.append(
      .export(
        Export(steps: steps, isList: isList, path: text, format: format ?? nil, place: place)))
  }

  /// A format that no recipe stands around.
  mutating func format(alone expression: Expression) -> (name: String, settings: [String: Value])? {
    let file = SyntaxFile(source: expression.place.source, title: nil, documentation: "", items: [])
    files.append(FileScope(file, folder: ""))
    return format(expression, Surroundings(file: files.count - 1, visible: 0, label: ""))
  }

  /// `safetensors(shard: 2 GiB)` behind `as`, or a format's name alone.
  private mutating func format(
    _ expression: Expression, _ here: Surroundings
  ) -> (name: String, settings: [String: Value])? {
    let (callee, arguments) =
      if case .call(let callee, let arguments) = expression.kind { (callee, arguments) } else {
        (expression, [ArgumentSyntax]())
      }
    guard case .name(let name) = callee.kind else {
      if case .missing = callee.kind {} else { report(.emptyFormat(at: expression.place)) }
      return nil
    }
    guard let format = catalog.format(name) else {
      report(.formatUnknown(name, at: callee.place, formats: catalog.formats.map(\.signature.name)))
      return nil
    }
    let given = self.arguments(arguments, of: format.signature, at: callee.place, here)
    let settings = given.compactMapValues { argument -> Value? in
      if case .value(let value)? = argument.argument { value } else { nil }
    }
    return (name, settings)
  }

  // MARK: Steps

  /// The step of a call, made unless there is an equal one.
  mutating func step(
    _ signature: Signature, _ given: [String: Argument], at place: Place, arguments: [String: Place], label: String
  ) -> StepID {
    let all = signature.slots.map { slot in
      given[slot.name] ?? (slot.role == .input ? .steps([]) : .value(slot.defaultValue ?? .none))
    }
    let used = all.flatMap { argument -> [Pattern] in
      if case .value(let value) = argument { value.patterns } else { [] }
    }
    let places = used.compactMap { pattern in patterns[pattern].map { (pattern, $0) } }
    return add(
      Step(operation: signature.name, arguments: all), label: label, at: place, arguments: arguments,
      patterns: Dictionary(places) { first, _ in first })
  }

  /// A step's number: that of an equal one, or a new one.
  mutating func add(
    _ step: Step, label: String = "", at place: Place, arguments: [String: Place] = [:],
    patterns: [Pattern: Place] = [:]
  ) -> StepID {
    if let known = numbers[step] { return known }
    let id = StepID(steps.count)
    steps.append(step)
    origins.append(StepOrigin(label: label, place: place, arguments: arguments, patterns: patterns))
    numbers[step] = id
    return id
  }
}

extension ArtifactKind {
  /// The kinds that the language itself names.
  static let all: [ArtifactKind] = [
    .checkpoint, .delta, .adapter, .dataset, .fisher, .statistics, .metrics, .inventory, .population,
  ]
}
