import Diagnostics
import Operations

// The texts of mistakes in calls of operations and functions and in their arguments, in the order of their names.

extension Diagnostic {
  static func argumentTwice(_ name: String, at place: Place, first: Place) -> Diagnostic {
    Diagnostic("`\(name)` is given twice", at: place, label: "and again here", others: [.init(first, "first here")])
  }

  static func functionArguments(_ name: String, at place: Place, wanted: String) -> Diagnostic {
    Diagnostic("`\(name)` takes \(wanted)", at: place)
  }

  static func functionNeedsRange(
    _ parameter: String, of function: String, declared: Place, at place: Place
  ) -> Diagnostic {
    Diagnostic(
      "what is searched has a range, and `\(parameter)` of `\(function)` has none", at: place,
      others: [.init(declared, "declared here")], helps: ["write for example `\(parameter): number in 0...1`"])
  }

  static func functionNotCalled(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic("`\(name)` is a function, and is called with brackets", at: place, helps: ["write `\(name)(…)`"])
  }

  static func functionReadsFiles(_ function: String, _ operation: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(function)` is called many times, so it reads no files", at: place,
      label: "`\(operation)` depends on what it is called with",
      helps: ["read it outside of the function, with `let`"])
  }

  static func functionSearches(_ function: String, _ operation: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(function)` is called many times, so it calls no functions itself", at: place,
      label: "`\(operation)` depends on what it is called with")
  }

  static func functionUnfit(
    _ function: String, declared: Place, for what: String, wanted: FunctionShape, at place: Place
  ) -> Diagnostic {
    Diagnostic(
      "\(what) wants a function `\(wanted.name)`, and `\(function)` is another", at: place,
      others: [.init(declared, "declared here")])
  }

  static func labelMissing(_ operation: String, at place: Place, slots: [String]) -> Diagnostic {
    Diagnostic(
      "only the first argument of `\(operation)` may drop its label", at: place,
      helps: slots.first.map { ["write `\($0): …`"] } ?? [], extraNotes: ["`\(operation)` takes \(listed(slots))"])
  }

  static func labelUnknown(_ label: String, at place: Place, of operation: String, slots: [String]) -> Diagnostic {
    let nearest = NearestName.of(label, among: slots)
    return Diagnostic(
      "`\(operation)` has no parameter `\(label)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      notes: [slots.isEmpty ? "`\(operation)` takes nothing" : "`\(operation)` takes \(listed(slots))"])
  }

  static func labelWithEqualsSign(_ label: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "a label is followed by `:`", at: place, label: "`=` names a value only after `let` or `param`",
      helps: ["write `\(label): …`"])
  }

  static func listTooShort(_ slot: Slot, of operation: String, count: Int, at place: Place) -> Diagnostic {
    let needed = slot.minimumCount
    return Diagnostic(
      "`\(slot.name)` of `\(operation)` needs at least \(needed == 1 ? "one" : String(needed))", at: place,
      label: count == 0 ? "this is empty" : "this has \(count == 1 ? "one" : String(count))")
  }

  static func missingArgument(_ slot: Slot, of operation: String, at place: Place) -> Diagnostic {
    Diagnostic(
      "`\(operation)` needs `\(slot.name)`", at: place, notes: ["`\(slot.name)`: \(slot.type.name). \(slot.text)"])
  }

  static func notCallable(_ type: Type, at place: Place) -> Diagnostic {
    Diagnostic(
      "only operations and functions are called, but this is \(type.text)", at: place, label: "this is \(type.text)")
  }

  static func operationNotThere(_ name: String, at place: Place) -> Diagnostic {
    Diagnostic("this needs the operation `\(name)`, which this program does not have", at: place)
  }

  static func operationUnknown(_ name: String, at place: Place, known: [String]) -> Diagnostic {
    let nearest = NearestName.of(name, among: known)
    return Diagnostic(
      "there is no operation or function `\(name)`", at: place, label: nearest.map { "did you mean `\($0)`?" } ?? "",
      helps: nearest == nil ? ["`mergekit ops` lists the operations"] : [])
  }
}
