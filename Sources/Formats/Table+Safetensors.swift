import Diagnostics

extension Table {
  /// Reads a safetensors file whose tensors all have as many rows: each is a column.
  init(safetensors file: SafetensorsFile) throws {
    let entries = file.header.entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    guard let first = entries.first else { throw OperationError(.data, "`\(file.path)` has no tensors") }
    columns = try entries.map { entry in
      guard entry.shape.rank > 0, entry.shape[0] == first.shape.axes.first else {
        throw OperationError(
          .data,
          "`\(entry.name)` of `\(file.path)` is \(entry.shape), `\(first.name)` is \(first.shape): a column has as many rows as every other"
        )
      }
      guard entry.dtype != .f8e4m3, entry.dtype != .f8e5m2, entry.dtype != .bool else {
        throw OperationError(
          .data, "`\(entry.name)` of `\(file.path)` is \(entry.dtype.rawValue), which is not read as numbers")
      }
      return Column(
        entry.name, numbers: try file.tensor(entry).doubles, width: entry.shape.axes.dropFirst().reduce(1, *))
    }
    rowCount = first.shape[0]
    guard rowCount > 0 else { throw OperationError(.data, "`\(file.path)` has no rows") }
  }
}
