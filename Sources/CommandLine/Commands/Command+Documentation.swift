import Diagnostics
import Formats
import Foundation
import Operations

extension Command {
  static let documentation = Command(
    "docs", .reference, "Write the reference pages of all operations and commands.",
    discussion: "The pages are made from the same declarations that check recipes and command lines.",
    operands: [Operand("DIR", .optional, .folders, "The folder to write to; `Documentation` by default.")],
    options: [Options.check]
  ) { invocation in
    let named = invocation.arguments.operands.first ?? "Documentation"
    let folder = invocation.absolute(named)
    let pages = ReferencePages.all(of: invocation.catalog)
    let current = pages.filter { (try? File.contents(of: "\(folder)/\($0.path)")) == Array($0.text.utf8) }
    let outdated = pages.filter { page in !current.contains { $0.path == page.path } }
    let extra = ReferencePages.leftovers(in: folder, beside: pages)
    if invocation.arguments.has(Options.check) {
      for path in outdated.map(\.path) + extra { invocation.print("\(named)/\(path)") }
      guard outdated.isEmpty, extra.isEmpty else {
        invocation.say("these pages are not current; `mergekit docs` makes them so")
        return 1
      }
      return 0
    }
    for page in outdated {
      try TextFile.write(page.text, to: "\(folder)/\(page.path)")
      invocation.print("\(named)/\(page.path)")
    }
    for path in extra {
      unlink("\(folder)/\(path)")
      invocation.print("\(named)/\(path) (removed)")
    }
    return 0
  }
}

/// The pages under `Documentation/` that are made from declarations.
enum ReferencePages {
  static func all(of catalog: Catalog) -> [(path: String, text: String)] {
    let operations = catalog.entries.map { entry in
      (
        "operations/\(entry.signature.name).md",
        SignatureMarkdown(signature: entry.signature, plugin: entry.plugin).text
      )
    }
    let formats = catalog.formats.map { format in
      (
        "formats/\(format.signature.name).md",
        SignatureMarkdown(signature: format.signature, accepts: format.format.accepts).text
      )
    }
    return [("operations/README.md", index(of: catalog)), ("commands.md", CommandMarkdown.text)] + operations + formats
  }

  /// Pages of operations and formats that are there no longer.
  static func leftovers(in folder: String, beside pages: [(path: String, text: String)]) -> [String] {
    let expected = Set(pages.map(\.path))
    return ["formats", "operations"].flatMap { part in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(part)")) ?? []
      return names.sorted().filter { $0.hasSuffix(".md") }.map { "\(part)/\($0)" }.filter { !expected.contains($0) }
    }
  }

  private static func index(of catalog: Catalog) -> String {
    var parts = ["# Operations", "Everything that a recipe can ask for. `mergekit docs` makes these pages."]
    for plugin in catalog.plugins where !plugin.operations.isEmpty {
      let rows = catalog.entries.filter { $0.plugin == plugin.name }.map { entry in
        let name = entry.signature.name
        return ["[`\(name)`](\(name).md)", entry.signature.output.name, entry.signature.about.summary]
      }
      parts += ["## \(plugin.name)", plugin.summary, MarkdownTable.text(["operation", "gives", ""], rows)]
    }
    if !catalog.formats.isEmpty {
      let rows = catalog.formats.map { format in
        ["[`\(format.signature.name)`](../formats/\(format.signature.name).md)", format.signature.about.summary]
      }
      parts += ["## Export formats", "Written behind `as` in an export.", MarkdownTable.text(["format", ""], rows)]
    }
    return parts.joined(separator: "\n\n") + "\n"
  }
}
