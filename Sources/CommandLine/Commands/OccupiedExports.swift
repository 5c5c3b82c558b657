import Diagnostics
import Foundation
import Plans
import Recipes
import Registry

extension Invocation {
  /// The exports of a plan that have something else at their place, or may come to have: each is refused in the end unless
  /// `--force` is given, and one wants to know that before hours of work.
  func occupied(by plan: Plan, registry: Registry?) throws -> Set<String> {
    let root = arguments[Options.out].map(absolute) ?? directory
    var paths: Set<String> = []
    for case .export(let export) in plan.goals {
      let path = root + "/" + export.path
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let artifacts = export.steps.compactMap { plan[$0]?.artifact }
      let record = try registry?.export(at: path)
      let isCurrent =
        record?.artifacts == artifacts && artifacts.count == export.steps.count && record?.isUntouched == true
      if !isCurrent { paths.insert(export.path) }
    }
    return paths
  }

  /// Says of exports that something is in their way.
  func warn(ofOccupied paths: Set<String>) {
    guard !paths.isEmpty else { return }
    let names = paths.sorted().map { "`\($0)`" }
    let (are, them) = names.count == 1 ? ("is", "it") : ("are", "them")
    warn([
      Diagnostic(
        .warning,
        "\(names.joined(separator: ", ")) \(are) there already: what comes out otherwise will not replace \(them)",
        at: nil, helps: ["`--force` replaces \(them), `--out DIR` writes elsewhere"])
    ])
  }
}
