import Diagnostics
import Fingerprints
import Formats
import Foundation
import Plans
import Registry

/// An export as it lies on disk: what the registry remembers of it, and what the folder itself tells.
struct ExportedFolder {
  /// As the command line names it.
  let name: String
  /// What it holds, in order, as far as this registry knows it.
  let artifacts: [Digest]
  /// When it was written; nil where the registry knows of it only by what the folder tells.
  let exported: Date?
  /// The files that were written to or removed since; its card does not count, for people write on in it.
  let changed: [String]
  /// The lineage file in it; nil where there is none, or another program's.
  let lineage: JSON?

  /// Looks at a path; nil where nothing tells of an export there.
  /// - Parameters:
  ///   - name: The path, as the command line names it.
  ///   - path: The path, absolute.
  init?(_ name: String, at path: String, in registry: Registry?) throws {
    self.name = name
    lineage = ExportedFolder.lineage(in: path)
    if let registry, let record = try registry.export(at: path) {
      artifacts = record.artifacts
      exported = record.exported
      changed = record.changedFiles.filter { $0 != ExportedFiles.card }
      return
    }
    exported = nil
    changed = []
    let told = lineage?["artifact"]?.string.flatMap { Digest($0) }
    artifacts = try told.flatMap { digest in try registry?.info(of: digest).map { _ in [digest] } } ?? []
    if lineage == nil { return nil }
  }

  /// The lineage file of a folder, which may be anybody's; nil where there is none that can be read.
  private static func lineage(in folder: String) -> JSON? {
    let path = "\(folder)/\(ExportedFiles.lineage)"
    guard let bytes = try? File.contents(of: path, limit: 64 << 20), let json = try? JSON(parsing: bytes),
      json["format"]?.string == Provenance.format
    else { return nil }
    return json
  }

  /// What it is, in a line: `` out/merged holds `merged`, b3:…, exported 2026-11-28 18:58 ``.
  func heading(label: String?, _ style: Style) -> String {
    let called = label.map { "`\(Renderer.printable($0))`, " } ?? ""
    let digest = artifacts.first.map { "\($0)" } ?? lineage?["artifact"]?.string ?? ""
    let more = artifacts.count > 1 ? " and \(artifacts.count - 1) more" : ""
    let when = exported.map { ", exported \(Measure.minute($0))" } ?? ", as its \(ExportedFiles.lineage) tells"
    let names = Renderer.printable(changed.joined(separator: ", "))
    let since = changed.isEmpty ? "" : style("; changed since: \(names)", .yellow)
    let what = "\(called)\(Renderer.printable(digest))\(more)"
    return "\(style(Renderer.printable(name), .bold)) holds \(what)\(when)\(since)"
  }

  /// Where it comes from, as named lines.
  func origin(_ registry: Registry?) throws -> [(name: String, text: String)] {
    let run = try artifacts.first.flatMap { try registry?.runs(producing: $0).last }
    let last = lineage?["runs"]?.array?.last
    let label = run?.label ?? last?["label"]?.string
    let operation = run?.operation ?? last?["operation"]?.string
    let recipe = run?.recipe ?? lineage?["recipe"]?.string
    let parts = [label.map { "`\($0)`" }, operation.map { "by \($0)" }, recipe.map { "in \($0)" }].compactMap { $0 }
    let digest = artifacts.first?.description ?? lineage?["artifact"]?.string
    var lines = [("made as", parts.joined(separator: " ")), ("digest", digest ?? "")]
    if let exported { lines.append(("exported", Measure.minute(exported))) }
    if !changed.isEmpty { lines.append(("changed since", changed.joined(separator: ", "))) }
    return lines.filter { !$0.1.isEmpty } + [("lineage", "`mergekit log \(name)` shows how it was made")]
  }

  /// The steps that the lineage file lists, the last first, drawn as `log` draws those of the registry.
  func told(_ style: Style) -> [String] {
    let runs = (lineage?["runs"]?.array ?? []).reversed().map { run in
      (
        output: run["output"]?.string ?? "", label: run["label"]?.string ?? "",
        operation: run["operation"]?.string ?? "",
        inputs: (run["inputs"]?.array ?? []).compactMap { $0["artifact"]?.string }
      )
    }
    let places = Dictionary(runs.enumerated().map { ($1.output, $0) }) { _, last in last }
    let parents = runs.enumerated().map { index, run in
      run.inputs.compactMap { places[$0] }.filter { $0 > index }
    }
    var table = Table()
    for (run, makers) in zip(runs, parents) {
      var names: [String] = []
      for maker in makers where !names.contains(runs[maker].label) { names.append(runs[maker].label) }
      table.add(
        .init(Renderer.printable(run.label), .bold), .init(Renderer.printable(run.operation)),
        .init(Digest(run.output)?.short ?? "", .yellow),
        .init(names.isEmpty ? "" : "← " + Renderer.printable(names.joined(separator: ", ")), .faint))
    }
    let texts = table.lines(style, indent: 0)
    return LineageGraph.lines(zip(parents, texts).map { LineageGraph.Node(parents: $0, text: $1) })
  }
}

extension Invocation {
  /// The export that a path leads to, or lies in; nil where it is none.
  func exported(_ path: String, in registry: Registry?) throws -> ExportedFolder? {
    if let found = try ExportedFolder(path, at: absolute(path), in: registry) { return found }
    let folder = (path as NSString).deletingLastPathComponent
    guard path.hasSuffix(".safetensors"), !folder.isEmpty else { return nil }
    return try ExportedFolder(folder, at: absolute(folder), in: registry)
  }
}
