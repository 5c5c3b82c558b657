import Fingerprints
import Operations
import Recipes
import Registry

/// What decides a step's result, and the digest of it all.
///
/// Equal keys mean equal results. Nothing else may change a result: no path, thread count, clock or machine is in a key.
struct StepKey: Sendable {
  let components: [Run.Component]

  /// - Parameters:
  ///   - settings: All parameters but paths, by name, in the signature's order.
  ///   - inputs: The digest of each input, by slot.
  ///   - sources: The digest of each file outside the registry, by its name within what the recipe named.
  init(
    _ signature: Signature, settings: [(name: String, value: Value)], inputs: [(slot: String, artifact: Digest)],
    sources: [(name: String, digest: Digest)]
  ) {
    components =
      [.init(.operation, "operation", signature.name), .init(.version, signature.name, String(signature.version))]
      + settings.map { .init(.parameter, $0.name, $0.value.canonical) }
      + inputs.map { .init(.input, $0.slot, $0.artifact.description) }
      + sources.map { .init(.source, $0.name, $0.digest.description) }
  }

  var digest: Digest {
    var encoder = FingerprintEncoder(domain: "mergekit-key/1")
    encoder.add(components.count)
    for component in components {
      encoder.add(component.role.rawValue)
      encoder.add(component.name)
      encoder.add(component.value)
    }
    return encoder.digest
  }

  /// How this differs from an earlier run, in the order of the components.
  func changes(since run: Run) -> [Reason.Change] {
    KeyComparison(old: run.components, new: components).changes
  }
}
