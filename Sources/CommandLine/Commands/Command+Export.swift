import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Plans
import Recipes
import Registry

extension Command {
  static let export = Command(
    "export", .results, "Write an artifact where other programs can read it.",
    discussion:
      "The format is that of the artifact's kind, or the one behind `--as`. What is there already stays, unless it is the same.",
    operands: [
      Operand("WHAT", .one, .results, "A digest, the first digits of one, a run's number, or a name in a recipe."),
      Operand("PATH", .one, .files, "The folder or file to write."),
    ],
    options: [Options.exportFormat, Options.force, Options.withPaths, Options.json],
    examples: ["mergekit export merged out/merged", "mergekit export 41d0f21b9c scores.json --as json"]
  ) { invocation in
    let (named, path) = (invocation.arguments.operands[0], invocation.arguments.operands[1])
    guard let registry = try invocation.openRegistryAsAllowed() else {
      throw OperationError(.missing, "nothing was applied here yet, so there is nothing to export")
    }
    let digest = try invocation.findArtifact(named, in: registry)
    let format = try invocation.arguments[Options.exportFormat].map { text in
      try Invocation.blamingFlags { try Recipe.format(Source(name: "--as", text: text), catalog: invocation.catalog) }
    }
    let isAbsolute = path.hasPrefix("/")
    var exporter = Exporter(
      root: isAbsolute ? "" : invocation.directory, replaces: invocation.arguments.has(Options.force),
      elsewhere: "another PATH leaves it as it is", catalog: invocation.catalog, registry: registry)
    exporter.keepsPaths = invocation.arguments.has(Options.withPaths)
    let source = Source(name: "command line", text: path)
    let export = Export(
      steps: [StepID(0)], isList: false, path: isAbsolute ? String(path.drop { $0 == "/" }) : path, format: format,
      place: Place(source, 0..<source.bytes.count))
    let written = try exporter.export(export, artifacts: [digest])
    let outcome = written.wasUpToDate ? "up to date" : "written"
    if invocation.arguments.has(Options.json) {
      invocation.print(["path": .string(path), "artifact": .string(digest.description), "outcome": .string(outcome)])
    } else {
      invocation.print("\(invocation.style(Renderer.printable(path), .bold))  \(outcome)")
    }
    return 0
  }
}
