extension Connection {
  /// Puts into an empty index what the objects, receipts, applies and exports of a registry tell. Damaged
  /// ones are left out; `verify` reports them.
  func insertEverything(in layout: Layout) throws {
    for name in try layout.objectNames() {
      // Nobody has looked at its bytes yet; whoever needs it will.
      if let object = try? StoredObject(name, in: layout.path) { try insert(object, stamp: .none) }
    }
    for number in try layout.receipts.numbers() {
      if let run = try? Receipt.read(layout.receipts.path(number), id: number) { try insert(run) }
    }
    for number in try layout.applies.numbers() {
      if let apply = try? Apply(reading: layout.applies.path(number), id: number) { try insert(apply) }
    }
    for number in try layout.exports.numbers() {
      if let record = try? ExportRecord.read(layout.exports.path(number)) { try insert(record) }
    }
  }
}
