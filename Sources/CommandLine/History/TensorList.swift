import Diagnostics
import Formats
import Operations
import Registry
import Tensors

/// The tensors of an artifact or of a model on disk, as people read them.
struct TensorList {
  struct Item {
    let name: String
    let dtype: DType
    let shape: Shape

    var byteCount: Int { shape.count * dtype.size }
  }

  let items: [Item]

  init(_ artifact: ArtifactInfo) {
    items = artifact.tensors.map { Item(name: $0.name, dtype: $0.dtype, shape: $0.shape) }
  }

  init(_ model: ModelFolder) { items = model.entries.map { Item(name: $0.name, dtype: $0.dtype, shape: $0.shape) } }

  /// `6 tensors, 2410 entries, 9.4 KiB of F32`.
  var summary: String {
    guard !items.isEmpty else { return "no tensors" }
    let dtypes = DType.allCases.filter { dtype in items.contains { $0.dtype == dtype } }.map(\.rawValue)
    let entries = items.reduce(0) { $0 + $1.shape.count }
    return "\(Measure.count(items.count, "tensor")), \(Measure.count(entries, "entry", "entries")), "
      + "\(Measure.bytes(byteCount)) of \(dtypes.joined(separator: ", "))"
  }

  var byteCount: Int { items.reduce(0) { $0 + $1.byteCount } }

  /// Those whose names are like a pattern; all where it is empty.
  func matching(_ pattern: String) -> TensorList {
    TensorList(items: pattern.isEmpty ? items : items.filter { Pattern(pattern).matches($0.name) })
  }

  private init(items: [Item]) { self.items = items }

  func lines(_ style: Style) -> [String] {
    var table = Table()
    for item in items {
      table.add(
        .init(Renderer.shortened(item.name, to: 120)), .init(item.dtype.rawValue, .faint),
        .init(item.shape.description),
        .init(Measure.bytes(item.byteCount), .faint, isNumber: true))
    }
    return table.lines(style)
  }

  var json: JSON {
    .array(
      items.map { item in
        [
          "name": .string(item.name), "dtype": .string(item.dtype.rawValue),
          "shape": .array(item.shape.axes.map(JSON.integer)), "bytes": .integer(item.byteCount),
        ]
      })
  }
}
