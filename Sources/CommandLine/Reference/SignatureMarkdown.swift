import Operations

/// The reference page of an operation or an export format.
struct SignatureMarkdown {
  let signature: Signature
  /// The plugin that brings it; none for an export format.
  var plugin: String?
  /// The kinds that a format writes.
  var accepts: [ArtifactKind] = []

  var text: String {
    var parts = ["# `\(signature.name)`", signature.about.summary, SignatureMarkdown.code(signature.call())]
    if !signature.about.discussion.isEmpty { parts.append(signature.about.discussion) }
    if !signature.inputs.isEmpty {
      parts += ["## Inputs", table(["name", "type", ""], signature.inputs.map { [$0.codeName, $0.facts, $0.text] })]
    }
    if !signature.parameters.isEmpty {
      let rows = signature.parameters.map { slot in
        [slot.codeName, slot.typeAndRange, slot.defaultText.map { "`\($0)`" } ?? "", slot.textWithChoices]
      }
      parts += ["## Parameters", table(["name", "type", "default", ""], rows)]
    }
    parts += ["## Result", result]
    if !signature.fields.isEmpty {
      parts.append(table(["metric", "type", ""], signature.fields.map { ["`\($0.name)`", $0.type.name, $0.text] }))
    }
    if !signature.about.examples.isEmpty {
      parts.append("## Examples")
      parts += signature.about.examples.flatMap { ["\($0.title):", SignatureMarkdown.code([$0.expression])] }
    }
    if !signature.about.cost.isEmpty { parts += ["## Cost", signature.about.cost] }
    if !signature.about.papers.isEmpty {
      parts += ["## Papers", signature.about.papers.map(SignatureMarkdown.item).joined(separator: "\n")]
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  private var result: String {
    guard accepts.isEmpty else { return "Writes: " + accepts.map(\.name).joined(separator: ", ") + "." }
    let origin = plugin.map { " From the plugin \($0), version \(signature.version)." } ?? ""
    return "Gives: \(signature.output)." + origin
  }

  static func code(_ lines: [String]) -> String { (["```"] + lines + ["```"]).joined(separator: "\n") }

  static func item(_ paper: About.Paper) -> String {
    "- " + paper.title + (paper.arXiv.map { ", [arXiv:\($0)](https://arxiv.org/abs/\($0))" } ?? "")
  }

  private func table(_ heads: [String], _ rows: [[String]]) -> String { MarkdownTable.text(heads, rows) }
}

enum MarkdownTable {
  static func text(_ heads: [String], _ rows: [[String]]) -> String {
    let lines = [heads, heads.map { _ in "---" }] + rows.map { $0.map { $0.replacing("|", with: "\\|") } }
    return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n").replacing(
      "|  |", with: "| |")
  }
}

extension Slot {
  fileprivate var codeName: String { "`\(name)`" }

  fileprivate var typeAndRange: String { [typeText, rangeText].compactMap { $0 }.joined(separator: ", ") }

  fileprivate var textWithChoices: String {
    ([text] + choiceTexts.map { "`\($0.name)`: \($0.text)" }).joined(separator: " ")
  }
}
