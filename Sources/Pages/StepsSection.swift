import Diagnostics

/// All steps as a table: what the graph shows, for those who do not see it, and where its links lead without a script.
struct StepsSection {
  private let lineage: Lineage

  init(_ lineage: Lineage) { self.lineage = lineage }

  var html: HTML {
    let rows = lineage.steps.enumerated().map(row)
    return """
      <section id="steps" aria-labelledby="steps-title">
      <h2 id="steps-title">Steps</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="All steps"><table class="steps sortable"><thead><tr>\
      <th scope="col">step</th><th scope="col">operation</th><th scope="col">from</th><th scope="col">result</th>\
      <th scope="col">size</th><th scope="col">run</th><th scope="col">began</th><th scope="col">took</th></tr></thead><tbody>
      \(rows)</tbody></table></div>
      </section>
      """
  }

  private func row(_ index: Int, _ step: Lineage.Step) -> HTML {
    let inputs = step.inputs.enumerated().map { place, input -> HTML in
      let comma: HTML = place == 0 ? "" : ", "
      guard let maker = input.maker else { return "\(comma)\(input.label)" }
      return "\(comma)<a href=\"#step-\(maker)\">\(input.label)</a>"
    }
    return """
      <tr id="step-\(index)"><th scope="row"><a href="#step-\(index)">\(step.label)</a></th>\
      <td>\(step.operation)</td><td>\(inputs)</td><td><span class="dot \(Kind(step.kind).rawValue)"></span>\(step.kind) \
      <code>\(step.artifact.short)</code></td><td>\(step.size)</td><td>\(step.run)</td><td>\(Measure.minute(step.started))</td>\
      <td class="amount" data-order="\(HTML(sound: Measure.fixed(step.seconds, 3)))">\(Measure.duration(step.seconds))</td></tr>

      """
  }
}
