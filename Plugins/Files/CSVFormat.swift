import Diagnostics
import Formats
import Operations
import Tensors

/// What a measurement has of each example, as comma-separated values.
struct CSVFormat: ExportFormat {
  static let about = About(
    "csv",
    "Write the scores of each example that metrics keep, as comma-separated values.",
    discussion: """
      A line for each example, a column for each score: `row` is the number of the example's row in its file, from 0. What has \
      several numbers for each example takes as many columns: `right.0`, `right.1`. Of a search it is the places that were tried, and \
      their scores. Figures of the whole go into JSON.
      """,
    examples: [Example("Which examples a model gets wrong", "csv")])

  static let accepts: [ArtifactKind] = [.metrics]
  static let acceptsLists = false
  static let makesFolder = false

  func write(_ contents: [Content], isList: Bool, to path: String) throws {
    for content in contents {
      var columns: [(name: String, cells: [String])] = []
      for entry in content.tensors {
        if entry.name.hasPrefix("text.") {
          guard entry.name.hasSuffix(".bytes") else { continue }
          let name = String(entry.name.dropLast(".bytes".count))
          let texts = try TextColumn(content, name)?.texts ?? []
          columns.append((String(name.dropFirst("text.".count)), texts.map(Self.quoted)))
        } else {
          columns += try Self.columns(entry)
        }
      }
      guard let count = columns.first?.cells.count, count > 0 else {
        throw OperationError(
          .step, "`\(content.label)` keeps no scores of single examples", helps: ["`as json` writes its figures"])
      }
      if let stray = columns.first(where: { $0.cells.count != count }) {
        throw OperationError(
          .step, "`\(stray.name)` of `\(content.label)` has \(stray.cells.count) rows, and others have \(count)")
      }
      var lines = [columns.map { Self.quoted($0.name) }.joined(separator: ",")]
      for row in 0..<count { lines.append(columns.map { $0.cells[row] }.joined(separator: ",")) }
      try NewFile.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
    }
  }

  private static func columns(_ entry: TensorEntry) throws -> [(name: String, cells: [String])] {
    let tensor = try entry.load()
    let cells =
      switch tensor.dtype {
      case .f64: tensor.doubles.map { "\($0)" }
      case let dtype where dtype.isFloat: tensor.floats.map { "\($0)" }
      default: tensor.integers.map { "\($0)" }
      }
    let width = entry.shape.rank > 1 ? entry.shape.axes.dropFirst().reduce(1, *) : 1
    guard width != 1 else { return [(entry.name, cells)] }
    return (0..<width).map { place in
      ("\(entry.name).\(place)", stride(from: place, to: cells.count, by: width).map { cells[$0] })
    }
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = !text.contains { ",\"\n\r".contains($0) } && text.first != " " && text.last != " "
    return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
