import Diagnostics

extension Table {
  /// Reads a safetensors file whose tensors all have as many rows: each is a column.
  init(safetensors file: SafetensorsFile) throws {
    let entries = file.entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    guard let first = entries.first else { throw OperationError(.data, "`\(file.path)` has no tensors") }
    for entry in entries {
      guard let rows = entry.shape.axes.first, rows == first.shape.axes.first else {
        throw OperationError(
          .data, "`\(entry.name)` of `\(file.path)` is \(entry.shape), and `\(first.name)` is \(first.shape)",
          notes: ["each tensor of a dataset is a column, so all have as many rows"])
      }
      guard entry.dtype.size > 1 || entry.dtype == .i8 || entry.dtype == .u8 else {
        throw OperationError(
          .data, "`\(entry.name)` of `\(file.path)` is \(entry.dtype.rawValue), which is not read as numbers")
      }
    }
    rowCount = first.shape[0]
    guard rowCount > 0 else { throw OperationError(.data, "`\(file.path)` has no rows") }
    columns = try entries.map { entry in
      let width = entry.shape.axes.dropFirst().reduce(1, *)
      return Column(entry.name, numbers: try file.tensor(entry).doubles, width: width)
    }
  }
}
