import Diagnostics
import Fingerprints
import Pages
import Registry

/// Many steps in few lines: those that are called the same but for their numbers, and were made by the same operation, become one.
enum StepFolding {
  /// A name without its numbers: `halfway[3]` is one of `halfway[]`.
  static func family(_ label: String) -> String { Lineage.family(label) }

  /// The name of several steps, with the first and the last of their numbers: `halfway[0…4]`.
  static func name(_ labels: [String]) -> String {
    guard labels.count > 1, let first = labels.first, let last = labels.last else { return labels.first ?? "" }
    let numbers = [first, last].map { label in label.matches(of: /\[(\d+)\]/).map(\.output.1) }
    // Where more than one number counts up, the ends alone would mislead.
    guard numbers[0].count == 1, numbers[1].count == 1 else { return family(first) }
    return family(first).replacing("[]", with: "[\(numbers[0][0])…\(numbers[1][0])]")
  }

  /// The first of some names, and how many more there are.
  static func listed(_ names: [String]) -> String {
    let shown = names.count > 8 ? 6 : names.count
    let more = names.count > shown ? " and \(names.count - shown) more" : ""
    return names.prefix(shown).joined(separator: ", ") + more
  }

  /// Names one after the other; of more than a handful, those that follow each other and differ in their numbers alone are one.
  static func names(_ labels: [String]) -> [String] {
    guard labels.count > 4 else { return labels }
    var groups: [[String]] = []
    for label in labels {
      if let last = groups.last?.last, family(last) == family(label) {
        groups[groups.count - 1].append(label)
      } else {
        groups.append([label])
      }
    }
    return groups.map(name)
  }
}

extension History {
  /// A graph of many runs with its repeated ones folded; nil where that would not make it much shorter.
  /// - Parameter runs: Newest first.
  func folded(_ runs: [(label: String, run: RunOutline)], parents: [[Int]], labelOf: (Digest) -> String?) -> [String]? {
    guard runs.count > GraphFolding.threshold else { return nil }
    let keys = runs.map { "\($0.run.operation) \(StepFolding.family($0.label))" }
    let folding = GraphFolding(keys: keys, parents: parents)
    guard folding.groups.count * 3 <= runs.count * 2 else { return nil }
    let order = LineageGraph.order(folding.parents)
    let places = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
    var table = Table()
    for group in order.map({ folding.groups[$0] }) {
      // In the order in which the recipe counts them.
      let members = group.reversed().map { runs[$0] }
      let families = members.reduce(into: [String]()) { names, member in
        let family = StepFolding.family(member.label)
        if !names.contains(family) { names.append(family) }
      }
      let name = families.count > 1 ? "\(families[0]) and others" : StepFolding.name(members.map(\.label))
      let seconds = members.reduce(0) { $0 + $1.run.seconds }
      table.add(
        .init(Renderer.printable(name), .bold),
        .init(members.count > 1 ? "\(members[0].run.operation) × \(members.count)" : members[0].run.operation),
        .init(members.count > 1 ? "" : members[0].run.output.short, .yellow),
        .init(Measure.duration(seconds), .faint, isNumber: true),
        .init(sources(of: members.map(\.run), labelOf), .faint))
    }
    let ordered = order.map { folding.parents[$0].compactMap { places[$0] }.sorted() }
    let texts = table.lines(style, indent: 0, width: room(beside: ordered))
    let nodes = zip(ordered, texts).map { LineageGraph.Node(parents: $0, text: $1) }
    let note = "\(runs.count) steps, repeated ones folded: `--table` has a line for each"
    return LineageGraph.lines(nodes) + [style(note, .faint)]
  }

  /// What folded runs read, each family once.
  private func sources(of runs: [RunOutline], _ labelOf: (Digest) -> String?) -> String {
    var names: [String] = []
    for input in runs.flatMap(\.inputs) {
      let name = Renderer.printable(labelOf(input).map(StepFolding.family) ?? input.short)
      if !names.contains(name) { names.append(name) }
    }
    return names.isEmpty ? "" : "← " + StepFolding.listed(names)
  }
}
