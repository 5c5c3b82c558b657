/// What colours stand for.
enum Kind: String, CaseIterable {
  case checkpoint, dataset, metrics, fisher, delta, adapter, statistics, population, inventory
  case other

  init(_ name: String) { self = Kind(rawValue: name) ?? .other }
}
