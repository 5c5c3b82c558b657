import Diagnostics
import Operations
import Recipes

/// Everything that a plan shows must fail, found before anything ran.
public struct PlanningError: Error, Sendable {
  public enum Cause: Sendable, Hashable {
    /// A name on the command line that the recipe does not know.
    case usage
    /// A setting that cannot be met with these inputs.
    case recipe
    case operation(OperationError.Cause)
  }

  public let diagnostics: [Diagnostic]
  /// Of the first of them; decides the exit status.
  public let cause: Cause

  public var exitStatus: Int32 {
    switch cause {
    case .usage: 64
    case .recipe: 65
    case .operation(let cause): OperationError(cause, "").exitStatus
    }
  }
}

extension Diagnostic {
  /// What went wrong with a step, at the recipe's line that asked for it.
  public init(_ error: OperationError, failing origin: StepOrigin) {
    self.init(
      "`\(origin.label)` failed: \(error.message)", at: origin.place, label: "this step", notes: error.notes,
      helps: error.helps)
  }

  static func unknownTarget(_ name: String, labels: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: labels)
    return Diagnostic(
      "the recipe makes nothing called `\(name)`", at: nil,
      helps: nearest.map { ["did you mean `\($0)`?"] } ?? ["`mergekit plan` lists what it makes"])
  }

  static func patternFitsNothing(_ pattern: Pattern, at place: Place, of input: Content) -> Diagnostic {
    let names = input.tensors.map(\.name)
    let better = pattern.nearest(among: names)
    return Diagnostic(
      "no tensor is like `\(pattern.text)`", at: place,
      label: "fits none of the \(names.count) tensors of `\(input.label)`",
      helps: better.map { ["`\($0.text)` fits \(names.filter($0.matches).count) of them"] } ?? [])
  }
}

extension StepOrigin {
  /// Whether a name on the command line means this step: `fishers` means each of its elements.
  func isCalled(_ name: String) -> Bool { label == name || label.hasPrefix(name + "[") && !label.contains(".") }

  /// Checks that every pattern of a setting fits some tensor of the input that leads.
  func check(_ step: Step, on lead: Content?) throws {
    guard let lead else { return }
    let used = step.arguments.flatMap { argument -> [Pattern] in
      if case .value(let value) = argument { value.patterns } else { [] }
    }
    let unmet = used.filter { pattern in pattern.text != "*" && !lead.tensors.contains { pattern.matches($0.name) } }
    guard !unmet.isEmpty else { return }
    throw PlanningError(
      diagnostics: unmet.map { .patternFitsNothing($0, at: patterns[$0] ?? place, of: lead) }, cause: .recipe)
  }
}

extension Pattern {
  /// The pattern with each of its words replaced by the nearest word of some names, if that fits any of them.
  fileprivate func nearest(among names: [String]) -> Pattern? {
    let words = Set(names.flatMap { $0.split(separator: ".").map(String.init) }).sorted()
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { part -> String in
      let word = String(part)
      if word.contains("*") || words.contains(word) { return word }
      return NearestName.of(word, among: words) ?? word
    }
    let better = Pattern(parts.joined(separator: "."))
    return better != self && names.contains(where: better.matches) ? better : nil
  }
}

extension Goal {
  /// The steps that must be there before it can be met.
  var dependencies: [StepID] {
    switch self {
    case .export(let export): export.steps
    case .require(let requirement): requirement.formula.dependencies
    }
  }
}
