import Diagnostics
import Operations
import Recipes

/// A recipe as it was applied, with what came of each line beside it.
struct RecipeSection {
  private let lineage: Lineage

  init(_ lineage: Lineage) { self.lineage = lineage }

  /// Nothing where no recipe's text is known.
  var html: HTML {
    guard !lineage.recipes.isEmpty else { return .empty }
    return """
      <section id="recipe" aria-labelledby="recipe-title">
      <h2 id="recipe-title">\(lineage.recipes.count == 1 ? "Recipe" : "Recipes")</h2>
      \(lineage.recipes.map { recipe(path: $0.path, $0.listing) })
      </section>
      """
  }

  private func recipe(path: String, _ listing: Listing) -> HTML {
    let steps = results(of: path)
    let lines = listing.lines.enumerated().map { number, line -> HTML in
      let code = line.stretches.map { stretch -> HTML in
        stretch.sort == .plain
          ? "\(stretch.text)" : "<span class=\"\(stretch.sort.rawValue)\">\(stretch.text)</span>"
      }
      let results = line.names.map { chips(steps[$0] ?? []) }
      return
        "<tr><td class=\"number\">\(number + 1)</td><td class=\"code\"><code>\(code)</code></td><td>\(results)</td></tr>\n"
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="The recipe \(path)"><table class="recipe"><caption>\(path)\
      </caption><thead class="hidden"><tr><th scope="col">line</th><th scope="col">recipe</th><th scope="col">result</th></tr>\
      </thead><tbody>
      \(lines)</tbody></table></div>
      """
  }

  /// The steps that each name of a recipe stood for when it was applied last: itself, or the elements of its list.
  private func results(of path: String) -> [String: [Int]] {
    var results: [String: [Int]] = [:]
    let applied = lineage.applies.first { $0.recipe == path }.map { Set($0.steps.map(\.step)) }
    for (index, step) in lineage.steps.enumerated()
    where (applied?.contains(index) ?? (step.recipe == path)) && !step.label.contains(".") {
      results[String(step.label.prefix { $0 != "[" }), default: []].append(index)
    }
    return results
  }

  private func chips(_ steps: [Int]) -> HTML {
    guard steps.count > 4 else { return "\(steps.map { chip($0, text($0)) })" }
    return "\(chip(steps[0], summary(steps)))"
  }

  private func chip(_ step: Int, _ text: String) -> HTML {
    let kind = Kind(lineage.steps[step].kind)
    return "<a class=\"chip \(kind.rawValue)\" href=\"#step-\(step)\">\(text)</a> "
  }

  private func text(_ index: Int) -> String {
    let step = lineage.steps[index]
    let facts = Facts(step.facts)
    guard step.kind == "metrics", let name = facts.numbers.first else {
      return "\(step.kind) \(step.artifact.short)"
    }
    return "\(name) \(facts.text(name))"
  }

  /// What many of one list have in common.
  private func summary(_ steps: [Int]) -> String {
    guard let headline = Headline(steps.map { lineage.steps[$0] }) else {
      return "\(steps.count) × \(lineage.steps[steps[0]].kind)"
    }
    return "\(headline.name) \(Measure.figure(headline.mean)), mean of \(steps.count)"
  }
}
