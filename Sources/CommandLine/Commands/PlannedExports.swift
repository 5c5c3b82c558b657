import Diagnostics
import Foundation
import Plans
import Recipes
import Registry

/// What there is at the places of a plan's exports before anything runs. Other content is refused in the end unless `--force` is
/// given, and one wants to know that before hours of work.
struct PlannedExports {
  private let standings: [String: Exporter.Standing]

  init(_ plan: Plan, _ exporter: Exporter?) throws {
    var standings: [String: Exporter.Standing] = [:]
    for case .export(let export) in plan.goals { standings[export.path] = try exporter?.standing(of: export, in: plan) }
    self.standings = standings
  }

  /// How many are to be written.
  var missing: Int { standings.values.count { $0 == .nothing } }

  func isOccupied(_ path: String) -> Bool { standings[path] == .other }

  /// Says that something is in the way; nil where nothing is.
  var warning: Diagnostic? {
    let names = standings.keys.filter(isOccupied).sorted().map { "`\($0)`" }
    guard !names.isEmpty else { return nil }
    let (are, them) = names.count == 1 ? ("is", "it") : ("are", "them")
    return Diagnostic(
      .warning,
      "\(names.joined(separator: ", ")) \(are) there already: what comes out otherwise will not replace \(them)",
      at: nil,
      helps: ["`--force` replaces \(them), `--out DIR` writes elsewhere"])
  }
}

extension Invocation {
  /// Writes exports to where the command line wants them.
  func exporter(_ registry: Registry) -> Exporter {
    Exporter(
      root: arguments[Options.out].map(absolute) ?? directory, replaces: arguments.has(Options.force), catalog: catalog,
      registry: registry)
  }
}
