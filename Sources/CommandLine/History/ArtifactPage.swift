import Diagnostics
import Fingerprints
import Formats
import Operations
import Registry

/// What a terminal shows of an artifact.
struct ArtifactPage {
  let digest: Digest
  let content: Content
  /// Those that gave it, the first of which made it.
  let producers: [Run]
  let consumers: [Run]
  let tensors: TensorList

  init(_ digest: Digest, in registry: Registry) throws {
    guard let content = try registry.content(digest) else {
      throw OperationError(
        .missing, "`\(digest.short)` is in the history, but its content is no longer there",
        helps: ["applying its recipe again makes it anew"])
    }
    self.digest = digest
    self.content = content
    producers = try registry.runs(producing: digest)
    consumers = try registry.runs(consuming: digest)
    tensors = TensorList(content)
  }

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
        add(index == 0 ? "from" : "", "\(Renderer.printable(input.slot)) \(input.artifact.short)")
      }
    }
    if !consumers.isEmpty {
      let readers = consumers.suffix(8).map { "run \($0.id) (\(Renderer.printable($0.label)))" }
      add(
        "read by", readers.joined(separator: ", ") + (consumers.count > 8 ? " and \(consumers.count - 8) before" : ""))
    }
    add("tensors", tensors.summary)
    if !content.files.isEmpty {
      add("files", content.files.map { Renderer.printable($0.name) }.joined(separator: ", "))
    }
    for member in content.facts.object ?? [] {
      if let text = ArtifactPage.text(member, in: content.facts) {
        add(Renderer.printable(member.name), Renderer.printable(text))
      }
    }
    return ["\(style(content.kind.name, .bold)) \(digest)"] + table.lines(style)
  }

  /// A fact on one line; an interval stands beside its number, and what is long only in `--json`.
  private static func text(_ member: JSON.Member, in facts: JSON) -> String? {
    if member.name.hasSuffix("_interval"), facts[String(member.name.dropLast("_interval".count))] != nil { return nil }
    if member.value.number != nil { return MetricsTable.text(member.name, in: facts) }
    let text = member.value.string ?? member.value.compact
    return text.count <= 80 ? text : String(text.prefix(79)) + "…"
  }

  func json(tensors: TensorList) -> JSON {
    [
      "digest": .string(digest.description), "kind": .string(content.kind.name), "facts": content.facts,
      "bytes": .integer(content.byteCount), "tensors": tensors.json,
      "files": .array(content.files.map { .string($0.name) }),
      "producers": .array(producers.map(\.json)), "consumers": .array(consumers.map { .integer($0.id) }),
    ]
  }
}
