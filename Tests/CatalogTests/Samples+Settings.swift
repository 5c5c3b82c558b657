import Operations
import Tensors

extension Samples {
  /// Settings away from the defaults: choices, numbers in their ranges, a weight for each model.
  func settings(for signature: Signature, count: Int) -> [String: Binding] {
    var generator = Generator(seed: seed, stream: "settings")
    var settings: [String: Binding] = [:]
    for slot in signature.slots where slot.role == .parameter && generator.uniform() < 0.7 {
      switch slot.type {
      case .choice(let names): settings[slot.name] = .value(.choice(names[generator.integer(below: names.count)]))
      case .flag: settings[slot.name] = .value(.flag(generator.uniform() < 0.5))
      case .fraction, .layered(.fraction): settings[slot.name] = .value(.number(generator.uniform()))
      case .perModel(.layered(.fraction)):
        let shares = (0..<count).map { _ in Value.number(generator.uniform()) }
        settings[slot.name] = .value(generator.uniform() < 0.5 ? shares[0] : .list(shares))
      case .layered(.number): settings[slot.name] = .value(.gradient([.number(generator.uniform()), .number(-1)]))
      case .list(.number), .list(.layered(.number)):
        settings[slot.name] = .value(.list((0..<count).map { _ in .number(0.05 + generator.uniform()) }))
      default: continue
      }
    }
    return settings
  }

  /// Binds settings, unless the operation refuses them together: then what was bound stays.
  func set(_ settings: [String: Binding], in bindings: inout [String: Binding], of name: String) throws {
    let changed = bindings.merging(settings) { _, new in new }
    let step = try operation(name, changed)
    if (try? step.outline()) != nil { bindings = changed }
  }
}
