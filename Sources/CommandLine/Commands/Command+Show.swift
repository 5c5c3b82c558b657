import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Registry
import Tokenizers

extension Command {
  static let show = Command(
    "show", .results, "Show an artifact, a run, or a model or an adapter on disk.",
    discussion: """
      - A digest, or the first digits of one, means an artifact; so does a name that a recipe gave, such as `merged`: the newest so called.
      - A number means a run.
      - A recipe's file means what it made last.
      - A folder or a safetensors file means the model or the adapter in it.
      """,
    operands: [
      Operand("WHAT", .one, .results, "A digest, a name, a run's number, a recipe's file, or a model on disk.")
    ],
    options: [Options.tensors, Options.recipeText, Options.json],
    examples: [
      "mergekit show merged", "mergekit show models/base --tensors='*.mlp.*'",
      "mergekit show merged --recipe > merged.rcp",
    ]
  ) { invocation in
    let registry = try invocation.openRegistry(.readOnly)
    if invocation.arguments.has(Options.recipeText), let registry {
      try invocation.printRecipe(of: invocation.find(invocation.arguments.operand, in: registry), registry)
      return 0
    }
    switch (try invocation.find(invocation.arguments.operand, in: registry), registry) {
    case (.model(let path), let registry?) where !invocation.isModel(path):
      try invocation.showArtifact(invocation.findArtifact(path, in: registry), registry)
    case (.model(let path), _): try invocation.showModel(path, registry)
    case (.run(let run), _): invocation.printRun(run)
    case (.artifact(let digest), let registry?): try invocation.showArtifact(digest, registry)
    case (.recipe(let name), let registry?): try invocation.showRecipe(name, registry)
    case (_, nil): throw OperationError(.missing, "nothing was applied here yet, so there is nothing to show")
    }
    return 0
  }
}

extension Invocation {
  /// Whether a path is what a model lies in, not some other export.
  fileprivate func isModel(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return path.hasSuffix(".safetensors")
      || FileManager.default.fileExists(atPath: absolute(path), isDirectory: &isFolder) && isFolder.boolValue
  }

  /// The recipe that made or found something last, and how it was applied.
  fileprivate func printRecipe(of finding: Finding, _ registry: Registry) throws {
    let apply: Apply?
    switch finding {
    case .recipe(let name): apply = try registry.applies(limit: .max).first { isSameFile($0.recipe, name) }
    case .run(let run): apply = try registry.applies(with: run.id).last
    case .artifact, .model:
      let run = try registry.runs(producing: findArtifact(arguments.operand, in: registry)).last
      apply = try run.flatMap { try registry.applies(with: $0.id).last }
    }
    guard let apply else { throw OperationError(.missing, "no recipe that made `\(arguments.operand)` is remembered") }
    if arguments.has(Options.json) {
      return print(["recipe": .string(apply.recipe), "command": .string(apply.command), "text": .string(apply.text)])
    }
    program.output.write(apply.text.hasSuffix("\n") ? apply.text : apply.text + "\n")
    if !apply.command.isEmpty { say("it was applied by `\(Renderer.printable(apply.command))`") }
  }

  /// A model or an adapter on disk: its configuration's main lines, where it comes from if it was exported, and its tensors.
  fileprivate func showModel(_ path: String, _ registry: Registry?) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: absolute(path))) ?? []
    let isAdapter = names.contains(ModelFolder.Layout.adapter.config)
    let model = try ModelFolder(absolute(path), layout: isAdapter ? .adapter : .model)
    let export = try exported(path, in: registry)
    let tensors = TensorList(model)
    let listed = try asked(of: tensors)
    if arguments.has(Options.json) {
      return print([
        "path": .string(path), "config": model.config, "bytes": .integer(tensors.byteCount),
        "exported_from": (export?.artifacts.first).map { .string($0.description) } ?? .null,
        "structure": ModelStructure(model.config, tensors: model.entries.map(\.name)).json,
        "tensors": (listed ?? tensors).json,
      ])
    }
    print("\(style(isAdapter ? "adapter" : "model", .bold)) \(Renderer.printable(path))")
    let facts = isAdapter ? Facts(model.config).lines + [("tensors", tensors.summary)] : mainLines(of: model, tensors)
    var table = Table()
    for (name, text) in facts + (try export?.origin(registry) ?? []) {
      table.add(.init(Renderer.printable(name), .faint), .init(Renderer.printable(text)))
    }
    for line in table.lines(style) { print(line) }
    if isAdapter, names.contains("mergekit.json"),
      let bytes = try? File.contents(of: absolute(path) + "/mergekit.json")
    {
      printMaps(.object([.init("mergekit", try JSON(parsing: bytes))]))
    }
    printTensors(listed)
  }

  /// What one wants to know of a model at once.
  private func mainLines(of model: ModelFolder, _ tensors: TensorList) -> [(name: String, text: String)] {
    var lines: [(name: String, text: String)] = []
    for name in ["architecture", "model_type", "architectures"] {
      guard let fact = model.config[name] else { continue }
      lines.append((name, fact.string ?? fact.compact))
    }
    if let text = tokenizerText(of: model) { lines.append(("tokenizer", text)) }
    lines.append(("tensors", tensors.summary))
    lines += ModelStructure(model.config, tensors: model.entries.map(\.name)).lines
    let files = model.entries.reduce(into: Set()) { $0.insert($1.path) }.count
    return lines + [("files", Measure.count(files, "safetensors file"))]
  }

  /// What kind of tokenizer a model has, or why the one that it has cannot be used.
  private func tokenizerText(of model: ModelFolder) -> String? {
    guard let path = model.sideFiles.first(where: { $0.hasSuffix("/tokenizer.json") }) else { return nil }
    do {
      let tokenizer = try Tokenizer(try File.contents(of: path), name: "tokenizer.json")
      return "\(tokenizer.kind), \(Measure.count(tokenizer.vocabularySize, "token"))"
    } catch {
      return (error as? OperationError)?.message ?? "\(error)"
    }
  }

  /// What a recipe made last: its values, each with its digest.
  fileprivate func showRecipe(_ name: String, _ registry: Registry) throws {
    guard let apply = try registry.applies(limit: .max).first(where: { isSameFile($0.recipe, name) }) else {
      throw OperationError.neverApplied(name)
    }
    if arguments.has(Options.json) { return print(try apply.json(registry)) }
    print("\(style(Renderer.printable(name), .bold)), as apply \(apply.id) left it, \(Measure.minute(apply.started))")
    var table = Table()
    for step in apply.steps {
      guard let run = try registry.run(id: step.run) else { continue }
      table.add(
        .init(Renderer.printable(step.label), .bold), .init(run.operation), .init(run.output.short, .yellow),
        .init("run \(run.id)", .faint))
    }
    for line in table.lines(style) { print(line) }
  }

  /// An artifact: what it is, where it comes from, and its facts.
  fileprivate func showArtifact(_ digest: Digest, _ registry: Registry) throws {
    let page = try ArtifactPage(digest, in: registry)
    let listed = try asked(of: page.tensors)
    if arguments.has(Options.json) { return print(page.json(tensors: listed ?? page.tensors)) }
    for line in page.lines(style) { print(line) }
    printMaps(page.info.facts)
    printTensors(listed)
  }

  /// Those tensors that the command line asks for; nil where it asks for none.
  private func asked(of tensors: TensorList) throws -> TensorList? {
    guard arguments.has(Options.tensors) else { return nil }
    let pattern = arguments[Options.tensors] ?? ""
    let listed = tensors.matching(pattern)
    guard !listed.items.isEmpty || pattern.isEmpty else {
      throw UsageError(.noTensorLike(pattern, count: tensors.items.count))
    }
    return listed
  }

  /// What an adapter or an inventory says of its layers and tasks, as shades.
  private func printMaps(_ facts: JSON) {
    for map in NumberMap.all(in: facts) {
      print()
      for line in HeatMap(map).lines(style) { print(line) }
    }
  }

  private func printTensors(_ listed: TensorList?) {
    guard let listed, !listed.items.isEmpty else { return }
    print()
    for line in listed.lines(style) { print(line) }
  }
}

extension Diagnostic {
  static func noTensorLike(_ pattern: String, count: Int) -> Diagnostic {
    Diagnostic(
      "no tensor is like `\(pattern)`", at: nil, notes: ["there are \(Measure.count(count, "tensor"))"],
      helps: ["`*` stands for any run of characters: `--tensors='*.weight'`; `--tensors` alone lists all"])
  }
}
