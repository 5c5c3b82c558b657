import Catalog
import Fingerprints
import Foundation
import Operations
import Tensors
import Testing

/// Results keep their bytes, or the operation's `version` says that they do not.
///
/// `Golden/fingerprints.txt` has a line for each operation: its name, its version, and a digest of what it makes of some samples,
/// of three dtypes and with several settings. It is written anew by
/// `MERGEKIT_WRITE_FINGERPRINTS=1 swift test --filter FingerprintLaws`, after an operation was added, or changed and its version
/// raised.
@Suite("Fingerprints of results", .serialized)
struct FingerprintLaws {
  /// What goes through OpenBLAS, whose last bits are other ones on another kind of processor. Goldens of reference
  /// implementations and laws watch over their numbers.
  private static let throughBLAS: Set<String> = [
    "attach", "residual", "lora_init", "pissa", "olora", "ldu", "kpsvd", "as_lora", "extract_lora", "compress",
    "complete", "factorize", "adapter_merge", "inspect_lora", "core_space", "transplant", "iso_c", "iso_cts", "tsv_m",
    "wudi", "knots", "svc", "finetune", "fisher", "gram", "regmean", "eva", "adamerging", "mhr_train", "mhr_adapt",
    "fisher_search", "evaluate", "regmean_plus_plus",
  ]

  private static let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden/fingerprints.txt")

  @Test("are those that were written down, for each operation and version")
  func unchanged() throws {
    let entries = Operations.Catalog.standard.entries.filter { !Self.throughBLAS.contains($0.signature.name) }
    let found = try entries.map { entry in
      let name = entry.signature.name
      return (name: name, line: "\(name) \(entry.operation.version) \(try digest(of: entry.signature).hex.prefix(32))")
    }.sorted { $0.name < $1.name }
    if ProcessInfo.processInfo.environment["MERGEKIT_WRITE_FINGERPRINTS"] != nil {
      try (found.map(\.line).joined(separator: "\n") + "\n").write(to: Self.file, atomically: true, encoding: .utf8)
      return
    }
    let lines = try String(contentsOf: Self.file, encoding: .utf8).split(separator: "\n").map(String.init)
    let known = Dictionary(lines.map { ($0.split(separator: " ").first.map(String.init) ?? "", $0) }) { $1 }
    let again = "`MERGEKIT_WRITE_FINGERPRINTS=1 swift test --filter FingerprintLaws` writes the file anew"
    for (name, line) in found where known[name] != line {
      let version = line.split(separator: " ")[1]
      switch known[name]?.split(separator: " ")[1] {
      case nil: Issue.record("`\(name)` has no fingerprint yet: \(again)")
      case version: Issue.record("`\(name)` makes other bytes than it did: raise its `version`; then \(again)")
      default: Issue.record("`\(name)` is of version \(version), its fingerprint is not: \(again)")
      }
    }
    for name in known.keys.sorted() where !found.contains(where: { $0.name == name }) {
      Issue.record("there is a fingerprint of `\(name)`, which is no operation or goes through OpenBLAS: \(again)")
    }
  }

  @Test("leave out only operations that there are")
  func exceptions() {
    for name in Self.throughBLAS { #expect(Operations.Catalog.standard[name] != nil, "`\(name)`") }
  }

  private func digest(of signature: Signature) throws -> Digest {
    var encoder = FingerprintEncoder(domain: "mergekit-golden/1")
    for dtype in [DType.f32, .bf16, .f16] {
      for seed in 90..<94 {
        var samples = Samples(seed: seed)
        samples.dtype = dtype
        var bindings = try samples.bindings(for: signature, count: 3)
        // The first with the defaults.
        if seed > 90 {
          try samples.set(samples.settings(for: signature, count: 3), in: &bindings, of: signature.name)
        }
        let made = try run(signature.name, bindings)
        encoder.add(made.facts.compact)
        encoder.list(made.tensors.count)
        for entry in made.tensors {
          let tensor = try entry.load()
          encoder.add(entry.name)
          encoder.add(tensor.dtype.rawValue)
          encoder.add(tensor.shape.description)
          encoder.add(tensor.withBytes { BLAKE3.hash($0) })
        }
      }
    }
    return encoder.digest
  }
}
