import Diagnostics
import Fingerprints
import Formats
import Operations
import Plans
import Registry
import Tensors

/// Two artifacts, or models on disk, tensor by tensor, and where their histories part.
struct ArtifactComparison: Comparison {
  struct Side {
    /// As the command line names it.
    let name: String
    /// Nil for a model on disk.
    let digest: Digest?
    let content: Content
  }

  /// A tensor that is not the same in both.
  private struct Row {
    enum Kind {
      case added, removed
      /// Another shape, or a dtype whose entries are not numbers.
      case other(String)
      case changed(Tensor.Change, dtypes: String?)
    }

    let name: String
    let kind: Kind
    /// What comes first in the table: whatever cannot be measured, then the largest change.
    var weight: Double { if case .changed(let change, _) = kind { change.norm } else { .infinity } }
  }

  private let sides: (old: Side, new: Side)
  private let divergence: Divergence?
  /// Those that changed most first.
  private let rows: [Row]
  private let facts: [(name: String, old: JSON?, new: JSON?)]
  /// The names of side files that differ.
  private let files: [String]
  private let sameCount: Int

  init(_ old: Side, _ new: Side, in registry: Registry?, isCancelled: () -> Bool) throws {
    sides = (old, new)
    if let registry, let a = old.digest, let b = new.digest {
      divergence = try Divergence.find(a, b, in: registry)
    } else {
      divergence = nil
    }
    let before = Dictionary(old.content.tensors.map { ($0.name, $0) }) { first, _ in first }
    let after = Set(new.content.tensors.map(\.name))
    var rows: [Row] = []
    for entry in new.content.tensors {
      if isCancelled() { throw OperationError(.interrupted, "interrupted") }
      guard let known = before[entry.name] else {
        rows.append(Row(name: entry.name, kind: .added))
        continue
      }
      if let kind = try Self.difference(known, entry) { rows.append(Row(name: entry.name, kind: kind)) }
    }
    rows += old.content.tensors.filter { !after.contains($0.name) }.map { Row(name: $0.name, kind: .removed) }
    sameCount = new.content.tensors.count - rows.filter { if case .removed = $0.kind { false } else { true } }.count
    self.rows = rows.enumerated().sorted { a, b in
      a.element.weight == b.element.weight ? a.offset < b.offset : a.element.weight > b.element.weight
    }.map(\.element)
    facts = JSON.differences(old.content.facts.object ?? [], new.content.facts.object ?? [])
    let (a, b) = (old.content.files, new.content.files)
    files = Set(a).symmetricDifference(b).reduce(into: Set()) { $0.insert($1.name) }.sorted()
  }

  /// How a tensor differs; nil where it does not.
  private static func difference(_ old: TensorEntry, _ new: TensorEntry) throws -> Row.Kind? {
    guard old.shape == new.shape else { return .other("\(old.shape) → \(new.shape)") }
    if let digest = old.digest, digest == new.digest, old.dtype == new.dtype { return nil }
    let dtypes = old.dtype == new.dtype ? nil : "\(old.dtype.rawValue) → \(new.dtype.rawValue)"
    let (a, b) = (try old.load(), try new.load())
    if dtypes == nil, a.withBytes({ a in b.withBytes { a.elementsEqual($0) } }) { return nil }
    guard old.dtype.isNumeric, new.dtype.isNumeric else { return .other(dtypes ?? "other bytes") }
    return .changed(a.change(to: b), dtypes: dtypes)
  }

  var isSame: Bool {
    rows.isEmpty && facts.isEmpty && files.isEmpty && sides.old.content.kind == sides.new.content.kind
  }

  // MARK: Text

  func lines(top: Int, _ style: Style) -> [String] {
    if isSame { return ["They are the same: \(Measure.count(sameCount, "tensor"))."] }
    let heads = [("-", sides.old, Style.Ink.red), ("+", sides.new, .green)].map { mark, side, ink in
      let digest = side.digest.map { " \($0.short)" } ?? ""
      return "\(style(mark, ink)) \(side.content.kind.name) \(style(Renderer.printable(side.name), .bold))\(digest)"
    }
    return heads + history + notes(style) + table(top: top, style)
  }

  private var history: [String] {
    guard let divergence else { return [] }
    let path =
      divergence.path.isEmpty ? "" : " (by way of \(divergence.path.map { "`\($0)`" }.joined(separator: " of ")))"
    return ["Their histories part at \(divergence.clause)\(Renderer.printable(path))."]
  }

  private func notes(_ style: Style) -> [String] {
    var table = Table()
    for fact in facts {
      table.add(
        .init(Renderer.printable(fact.name), .faint),
        .init(Renderer.printable("\(RunComparison.text(fact.old)) → \(RunComparison.text(fact.new))")))
    }
    if !files.isEmpty {
      table.add(.init("files", .faint), .init(Renderer.printable("\(files.joined(separator: ", ")) differ")))
    }
    return table.lines(style)
  }

  private func table(top: Int, _ style: Style) -> [String] {
    guard !sides.old.content.tensors.isEmpty || !sides.new.content.tensors.isEmpty else { return [] }
    var table = Table()
    if !rows.isEmpty {
      table.rows.append(
        [.init("tensor", .faint)]
          + ["max |Δ|", "max rel", "‖Δ‖/‖a‖", "cosine"].map { .init($0, .faint, isNumber: true) })
    }
    for row in rows.prefix(top) {
      let name = Table.Cell(Renderer.shortened(row.name, to: 120), .bold)
      switch row.kind {
      case .added: table.rows.append([name, .init("added", .green)])
      case .removed: table.rows.append([name, .init("removed", .red)])
      case .other(let text): table.rows.append([name, .init(text, .yellow)])
      case .changed(let change, let dtypes):
        let figures = [change.absolute, change.relative, change.norm, change.cosine].map(Measure.figure)
        table.rows.append([name] + figures.map { .init($0, isNumber: true) } + [.init(dtypes ?? "", .yellow)])
      }
    }
    let more = rows.count > top ? ", of which \(top) are listed" : ""
    return [""] + table.lines(style) + [
      "\(Measure.count(rows.count, "tensor differs", "tensors differ"))\(more); \(sameCount) are the same."
    ]
  }

  // MARK: JSON

  var json: JSON {
    [
      "same": .bool(isSame), "old": Self.json(sides.old), "new": Self.json(sides.new),
      "divergence": divergence.map { divergence in
        [
          "path": .array(divergence.path.map(JSON.string)), "old": divergence.old.json, "new": divergence.new.json,
          "components": KeyTable(comparison: divergence.comparison, registry: nil).json,
        ]
      } ?? .null,
      "facts": .array(facts.map { ["name": .string($0.name), "old": $0.old ?? .null, "new": $0.new ?? .null] }),
      "files": .array(files.map(JSON.string)), "same_tensors": .integer(sameCount),
      "tensors": .array(rows.map(Self.json)),
    ]
  }

  private static func json(_ side: Side) -> JSON {
    [
      "name": .string(side.name), "kind": .string(side.content.kind.name),
      "digest": side.digest.map { .string($0.description) } ?? .null,
    ]
  }

  private static func json(_ row: Row) -> JSON {
    let name = JSON.string(row.name)
    switch row.kind {
    case .added: return ["name": name, "change": "added"]
    case .removed: return ["name": name, "change": "removed"]
    case .other(let text): return ["name": name, "change": "other", "what": .string(text)]
    case .changed(let change, let dtypes):
      return [
        "name": name, "change": "changed", "dtypes": dtypes.map(JSON.string) ?? .null,
        "absolute": number(change.absolute), "relative": number(change.relative), "length": number(change.norm),
        "cosine": number(change.cosine),
      ]
    }
  }

  /// JSON has no infinity: where an entry is not finite there is no number.
  private static func number(_ value: Double) -> JSON { value.isFinite ? .number(value) : .null }
}
