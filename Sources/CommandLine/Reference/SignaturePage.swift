import Operations

/// What a terminal shows of an operation or an export format.
struct SignaturePage {
  let signature: Signature
  /// `operation of Merging`, `export format`.
  let kind: String
  /// The kinds that a format writes; none for an operation.
  var accepts: [ArtifactKind] = []

  func lines(width: Int, style: Style) -> [String] {
    var lines = ["\(style(signature.name, .bold)), \(kind)", ""]
    lines += Prose.wrapped(signature.about.summary, width: width)
    lines += [""] + signature.call(width: width - 4).map { "    " + $0 }
    if !signature.about.discussion.isEmpty { lines += [""] + Prose.markdown(signature.about.discussion, width: width) }
    func section(_ title: String, _ body: [String]) {
      if !body.isEmpty { lines += ["", style(title, .bold)] + body }
    }
    section("Inputs", slots(signature.inputs, width, style))
    section("Parameters", slots(signature.parameters, width, style))
    section("Writes", accepts.isEmpty ? [] : ["  " + accepts.map(\.name).joined(separator: ", ")])
    section("Gives", accepts.isEmpty ? ["  \(signature.output)"] : [])
    section(
      "Metrics",
      Prose.definitions(signature.fields.map { ($0.name, "\($0.type.name). \($0.text)") }, width: width, style: style))
    section("Examples", signature.about.examples.flatMap { ["  \($0.title):", "      \($0.expression)"] })
    section("Cost", Prose.wrapped(signature.about.cost, width: width - 2).map { "  " + $0 })
    section("Papers", signature.about.papers.map { "  " + $0.title + ($0.arXiv.map { ", arXiv:\($0)" } ?? "") })
    return lines
  }

  private func slots(_ slots: [Slot], _ width: Int, _ style: Style) -> [String] {
    slots.flatMap { slot -> [String] in
      let choices = Prose.definitions(slot.choiceTexts, width: width - 6, style: .plain).map { "      " + $0 }
      return ["  \(style(slot.name, .bold))  \(style(slot.facts, .faint))"]
        + Prose.wrapped(slot.text, width: width - 6).map { "      " + $0 } + choices
    }
  }
}
