import Diagnostics
import Formats
import Operations
import Registry

/// The `README.md` of an exported model, as the Hugging Face Hub reads it: facts in front, then where the model comes from.
struct ModelCard {
  private let provenance: Provenance
  private let title: String
  /// Which library loads it; none where that cannot be said.
  private let library: String?

  /// Steps that are listed at most; the lineage file has them all.
  private static let longestList = 60

  init(_ provenance: Provenance, title: String, _ content: Content) {
    self.provenance = provenance
    self.title = title
    library =
      provenance.kind == .adapter
      ? "peft"
      : ModelFamily.known(config: content.facts, tensors: content.tensors.map(\.name)) != nil ? "transformers" : nil
  }

  var text: String {
    ([frontMatter, "# \(Self.markdown(title))", opening] + bases + steps + recipe).joined(separator: "\n\n") + "\n"
  }

  // MARK: Front matter

  /// YAML, in which a text in quotes is written as in JSON.
  private var frontMatter: String {
    func quoted(_ text: String) -> String { JSON.string(text).compact }
    var lines = ["---"]
    if !provenance.repositories.isEmpty {
      lines += ["base_model:"] + provenance.repositories.map { "- " + quoted($0) }
      if let relation = provenance.relation { lines.append("base_model_relation: \(relation.rawValue)") }
    }
    if let library { lines.append("library_name: \(library)") }
    lines += ["tags:"] + (provenance.relation == .merge ? ["- merge"] : []) + ["- mergekit", "---"]
    return lines.joined(separator: "\n")
  }

  // MARK: Text

  private var opening: String {
    let operation = provenance.runs.last?.operation ?? ""
    return """
      Made by mergekit \(Version.current) with `\(operation)`. Its digest is `\(provenance.artifact)`; \
      `\(ExportedFiles.lineage)` has every step with its settings and digests.
      """
  }

  private var bases: [String] {
    guard !provenance.bases.isEmpty else { return [] }
    let lines = provenance.bases.map { "- \(Self.code($0.label)): \(Self.name($0.names)), `\($0.artifact)`" }
    let note =
      provenance.repositories.isEmpty && provenance.relation != nil
      ? [
        "None of these is known by a name on the Hub, so nothing here says `base_model`; who publishes this can add it above."
      ]
      : []
    return ["## Made from", lines.joined(separator: "\n")] + note
  }

  private static func name(_ names: PublishedNames) -> String {
    func link(_ name: String) -> String { "[\(markdown(name))](https://huggingface.co/\(name))" }
    if let own = names.own { return link(own) }
    let bases = names.bases.map(link).joined(separator: ", ")
    return bases.isEmpty ? "a model on disk" : "a model on disk, which names as its base \(bases)"
  }

  private var steps: [String] {
    let shown = provenance.runs.suffix(Self.longestList)
    let rows = shown.map { run in
      let settings = run.components.filter { $0.role == .parameter }.map { "\($0.name): \($0.value)" }
      return "| \(Self.code(run.label)) | `\(run.operation)` | \(settings.map(Self.code).joined(separator: ", ")) |"
    }
    let left = provenance.runs.count - shown.count
    let note = left > 0 ? ["The last \(shown.count) of \(provenance.runs.count) steps:"] : []
    return ["## Steps"] + note + [
      (["| step | operation | settings |", "|---|---|---|"] + rows).joined(separator: "\n")
    ]
  }

  private var recipe: [String] {
    guard let recipe = provenance.recipe else { return [] }
    // A fence ends at as many backticks as began it.
    let longest = recipe.text.split { $0 != "`" }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    let lines = recipe.text.split(separator: "\n", omittingEmptySubsequences: false).map {
      Renderer.printable(String($0))
    }
    let body = lines.joined(separator: "\n")
    return ["## Recipe", "\(fence)rcp\n\(body)\(body.hasSuffix("\n") ? "" : "\n")\(fence)"]
  }

  /// A text in which Markdown and HTML mean nothing.
  private static func markdown(_ text: String) -> String {
    Renderer.printable(text).reduce(into: "") { result, character in
      if "\\`*_{}[]<>#|!~&".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  /// A text as code on one line, also within a table. What is in it keeps its backticks, between longer ones.
  private static func code(_ text: String) -> String {
    let text = Renderer.printable(text).replacing("|", with: "\\|")
    let longest = text.split { $0 != "`" }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: longest + 1)
    let gap = longest > 0 || text.isEmpty ? " " : ""
    return fence + gap + text + gap + fence
  }
}

/// The files that are written beside an artifact's own, so that it can be told where it comes from.
public enum ExportedFiles {
  public static let card = "README.md"
  public static let lineage = "mergekit.lineage.json"
  static let recipe = "recipe.rcp"

  static func of(_ provenance: Provenance, title: String, _ content: Content) -> [(name: String, bytes: [UInt8])] {
    var files = [(name: lineage, bytes: Array(provenance.json.pretty.utf8))]
    if let text = provenance.recipe?.text { files.append((recipe, Array(text.utf8))) }
    if [.checkpoint, .adapter].contains(provenance.kind) {
      files.append((card, Array(ModelCard(provenance, title: title, content).text.utf8)))
    }
    return files
  }
}
