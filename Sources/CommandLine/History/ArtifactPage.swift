import Diagnostics
import Fingerprints
import Formats
import Operations
import Registry

/// What a terminal shows of an artifact.
struct ArtifactPage {
  let info: ArtifactInfo
  /// Whether its bytes are still there.
  let isThere: Bool
  /// Those that gave it, the first of which made it.
  let producers: [Run]
  let consumers: [Run]
  /// What recipes call those that it was made from.
  let labels: [Digest: String]
  let exports: [ExportRecord]
  let tensors: TensorList

  init(_ digest: Digest, in registry: Registry) throws {
    guard let info = try registry.info(of: digest) else {
      throw OperationError(
        .missing, "`\(digest.short)` is in the history, but nothing else is known of it",
        helps: ["applying its recipe again makes it anew"])
    }
    self.info = info
    isThere = try registry.content(digest) != nil
    producers = try registry.runs(producing: digest)
    consumers = try registry.runs(consuming: digest)
    var labels: [Digest: String] = [:]
    for input in producers.first?.inputs ?? [] {
      labels[input.artifact] = try registry.runs(producing: input.artifact).last?.label
    }
    self.labels = labels
    exports = try registry.exports(of: digest)
    tensors = TensorList(info)
  }

  private var files: [String] { info.sideFiles.map(\.name) }

  func lines(_ style: Style) -> [String] {
    var table = Table()
    func add(_ name: String, _ text: String) { table.add(.init(name, .faint), .init(text)) }
    if let maker = producers.last {
      add("called", "\(Renderer.printable(maker.label)), in \(Renderer.printable(maker.recipe))")
    }
    if let maker = producers.first {
      add(
        "made by",
        "run \(maker.id): \(maker.operation), \(Measure.minute(maker.started)), \(Measure.duration(maker.seconds))")
      for (index, input) in maker.inputs.enumerated() {
        let label = labels[input.artifact].map { ", `\($0)`" } ?? ""
        add(index == 0 ? "from" : "", Renderer.printable("\(input.slot): \(input.artifact.short)\(label)"))
      }
    }
    if !consumers.isEmpty {
      let readers = consumers.suffix(8).map { "run \($0.id) (\(Renderer.printable($0.label)))" }
      add(
        "read by", readers.joined(separator: ", ") + (consumers.count > 8 ? " and \(consumers.count - 8) before" : ""))
    }
    add("tensors", tensors.summary)
    if info.kind == .checkpoint {
      for (name, text) in structure.lines { add(name, Renderer.printable(text)) }
    }
    if !files.isEmpty { add("files", files.map(Renderer.printable).joined(separator: ", ")) }
    for export in exports {
      add("exported", Renderer.printable(export.path) + (export.isUntouched ? "" : ", changed since"))
    }
    for (name, text) in Facts(info.facts).lines { add(Renderer.printable(name), Renderer.printable(text)) }
    let lost = isThere ? "" : style("  no longer there; applying its recipe makes it anew", .yellow)
    return ["\(style(info.kind.name, .bold)) \(info.digest)\(lost)"] + table.lines(style)
  }

  private var structure: ModelStructure { ModelStructure(info.facts, tensors: tensors.items.map(\.name)) }

  func json(tensors: TensorList) -> JSON {
    [
      "digest": .string(info.digest.description), "kind": .string(info.kind.name), "is_there": .bool(isThere),
      "facts": info.facts, "bytes": .integer(info.byteCount), "tensors": tensors.json,
      "files": .array(files.map(JSON.string)), "exports": .array(exports.map { .string($0.path) }),
      "producers": .array(producers.map(\.json)), "consumers": .array(consumers.map { .integer($0.id) }),
    ]
  }
}
