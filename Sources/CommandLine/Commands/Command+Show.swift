import Diagnostics
import Formats
import Foundation
import Operations

extension Command {
  static let show = Command(
    "show", .results, "Show an artifact, a run, or a model on disk.",
    discussion: """
      - A digest, or the first digits of one, means an artifact; so does a name that a recipe gave, such as `merged`: the newest so called.
      - A number means a run.
      - A recipe's file means what it made last.
      - A folder or a safetensors file means the model in it.
      """,
    operands: [Operand("WHAT", .one, .files, "A digest, a name, a run's number, a recipe's file, or a model on disk.")],
    options: [Options.tensors, Options.json],
    examples: ["mergekit show merged", "mergekit show models/base --tensors='*.mlp.*'"]
  ) { invocation in
    switch try invocation.finding(invocation.arguments.operand) {
    case .path(let path): try invocation.showModel(path)
    case .artifact(let digest): try invocation.showArtifact(digest)
    case .run(let run): invocation.showRun(run)
    case .recipe(let name): try invocation.showRecipe(name)
    }
    return 0
  }
}

extension Invocation {
  /// A model on disk: its configuration's main lines and its tensors.
  fileprivate func showModel(_ path: String) throws {
    let model = try ModelFolder(absolute(path))
    let tensors = TensorList(model)
    let pattern = arguments.has(Options.tensors) ? arguments[Options.tensors] ?? "" : nil
    if arguments.has(Options.json) {
      let listed = tensors.matching(pattern ?? "")
      print(["path": .string(path), "config": model.config, "bytes": .integer(tensors.byteCount), "tensors": listed.json])
      return
    }
    print("\(style("model", .bold)) \(Renderer.printable(path))")
    var table = Table()
    for name in ["architecture", "model_type", "architectures"] {
      guard let fact = model.config[name] else { continue }
      table.add(.init(name, .faint), .init(Renderer.printable(fact.string ?? fact.compact)))
    }
    let files = Set(model.entries.map(\.slice.path)).count
    table.add(.init("tensors", .faint), .init(tensors.summary))
    table.add(.init("files", .faint), .init(Measure.count(files, "safetensors file")))
    for line in table.lines(style) { print(line) }
    try printTensors(tensors, pattern)
  }

  /// The tensors themselves, where the command line asks for them.
  func printTensors(_ tensors: TensorList, _ pattern: String?) throws {
    guard let pattern else { return }
    let listed = tensors.matching(pattern)
    guard !listed.items.isEmpty || tensors.items.isEmpty else {
      throw UsageError(.noTensorLike(pattern, count: tensors.items.count))
    }
    print()
    for line in listed.lines(style) { print(line) }
  }
}

extension Diagnostic {
  static func noTensorLike(_ pattern: String, count: Int) -> Diagnostic {
    Diagnostic(
      "no tensor is like `\(pattern)`", at: nil, notes: ["there are \(count)"],
      helps: ["`*` stands for any run of characters: `--tensors='*.weight'`; `--tensors` alone lists all"])
  }
}
