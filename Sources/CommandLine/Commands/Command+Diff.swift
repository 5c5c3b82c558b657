import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Recipes
import Registry

extension Command {
  static let diff = Command(
    "diff", .results, "Show how two artifacts, two runs, two models on disk or two recipes differ.",
    discussion: """
      Of artifacts it names the step at which their histories part, and lists the tensors by how much they changed: `max |Δ|` is the largest \
      change of an entry, `max rel` the largest relative to the larger of the two entries, `‖Δ‖/‖a‖` the length of the whole change \
      relative to the tensor's, and `cosine` that between the two. Of runs it shows settings, inputs, \
      metrics and time; of recipes what they mean, not how they are written. Ends with status 1 where they differ.
      """,
    operands: [
      Operand("A", .one, .results, "An artifact, a run's number, a model on disk, or a recipe's file."),
      Operand("B", .one, .results, "What to compare it with, of the same sort."),
    ],
    options: [Options.set, Options.top, Options.json],
    examples: [
      "mergekit diff base merged", "mergekit diff 4 9", "mergekit diff Recipes/fisher.rcp other.rcp",
      "mergekit diff models/base out/merged --top 5",
    ]
  ) { invocation in
    invocation.program.interruption.listen()
    let registry = try invocation.openRegistry(.readOnly)
    let found = try invocation.arguments.operands.map { try invocation.find($0, in: registry) }
    let isSame: Bool
    switch (found[0], found[1]) {
    case (.recipe(let a), .recipe(let b)): isSame = try invocation.printDifference(ofRecipes: a, b)
    case (.run(let a), .run(let b)):
      guard let registry else { preconditionFailure("runs were found where there is no registry") }
      isSame = try invocation.show(RunComparison(a, b, in: registry))
    case (.recipe, _), (_, .recipe):
      throw UsageError(Diagnostic("a recipe is compared with a recipe", at: nil))
    default:
      let sides = try zip(invocation.arguments.operands, found).map { word, finding in
        try invocation.side(finding, word, registry)
      }
      isSame = try invocation.show(
        ArtifactComparison(sides[0], sides[1], in: registry, isCancelled: invocation.isCancelled))
    }
    return isSame ? 0 : 1
  }
}

/// What `diff` found.
protocol Comparison {
  var isSame: Bool { get }
  var json: JSON { get throws }
  func lines(top: Int, _ style: Style) throws -> [String]
}

extension Invocation {
  fileprivate var isCancelled: @Sendable () -> Bool {
    let cancellation = program.interruption.cancellation
    return { cancellation.isCancelled }
  }

  fileprivate func show(_ comparison: some Comparison) throws -> Bool {
    if arguments.has(Options.json) {
      print(try comparison.json)
    } else {
      for line in try comparison.lines(top: arguments[Options.top] ?? 20, style) { print(line) }
    }
    return comparison.isSame
  }

  fileprivate func side(_ finding: Finding, _ word: String, _ registry: Registry?) throws -> ArtifactComparison.Side {
    switch (finding, registry) {
    case (.model(let path), _):
      let model = try ModelFolder(absolute(path))
      let content = Content(
        .checkpoint, facts: model.config, tensors: model.entries.map(TensorEntry.init),
        files: try model.sideFiles.map { SideFile(($0 as NSString).lastPathComponent, try File.contents(of: $0)) })
      return .init(name: word, digest: nil, content: content)
    case (.artifact(let digest), let registry?):
      return try side(digest, word, registry)
    case (.run(let run), let registry?):
      return try side(run.output, word, registry)
    default: preconditionFailure("recipes were dealt with, and artifacts are found in a registry")
    }
  }

  private func side(_ digest: Digest, _ word: String, _ registry: Registry) throws -> ArtifactComparison.Side {
    guard let content = try registry.content(digest) else {
      throw OperationError(
        .missing, "the bytes of `\(word)` (\(digest.short)) are no longer there",
        helps: ["applying its recipe again makes it anew"])
    }
    return .init(name: word, digest: digest, content: content)
  }

  /// The difference in meaning of two recipes, with the same settings where both have the parameter.
  fileprivate func printDifference(ofRecipes a: String, _ b: String) throws -> Bool {
    let graphs = try [a, b].map { name -> Graph in
      let (_, recipe) = try readRecipe(name)
      let declared = recipe.elaborated(catalog, isChecked: true, reading: readLibrary).parameters.map(\.name)
      let settings = arguments.settings.filter { declared.contains($0.parameter) }
      return try Invocation.blamingFlags {
        try recipe.graph(
          catalog, settings: settings.map { Recipe.Setting(name: $0.parameter, text: $0.value, flag: $0.flag) },
          reading: readLibrary
        ).graph
      }
    }
    return try show(GraphDifference(graphs[0], graphs[1], catalog: catalog))
  }
}

extension GraphDifference: Comparison {
  var isSame: Bool { changes.isEmpty }

  func lines(top: Int, _ style: Style) -> [String] {
    guard !isSame else { return ["They mean the same."] }
    var table = Table()
    for change in changes {
      switch change {
      case .added(let label, let operation):
        table.add(.init("+", .green), .init(Renderer.printable(label), .bold), .init(operation))
      case .removed(let label, let operation):
        table.add(.init("-", .red), .init(Renderer.printable(label), .bold), .init(operation))
      case .changed(let label, let operation, let differences):
        let texts = differences.map { "\($0.name): \($0.values)" }
        table.add(
          .init("~", .yellow), .init(Renderer.printable(label), .bold), .init(operation),
          .init(Renderer.printable(texts.joined(separator: ", "))))
      case .export(let path, let difference):
        table.add(
          .init("→"), .init(Renderer.printable(path), .bold), .init("export"),
          .init(Renderer.printable(difference.values)))
      case .requirement(let difference):
        table.add(.init("!"), .init("require", .bold), .init(""), .init(Renderer.printable(difference.values)))
      }
    }
    return table.lines(style, indent: 0)
  }

  var json: JSON {
    .array(
      changes.map { change in
        switch change {
        case .added(let label, let operation):
          ["change": "added", "label": .string(label), "operation": .string(operation)]
        case .removed(let label, let operation):
          ["change": "removed", "label": .string(label), "operation": .string(operation)]
        case .changed(let label, let operation, let differences):
          [
            "change": "changed", "label": .string(label), "operation": .string(operation),
            "differences": .array(differences.map(\.json)),
          ]
        case .export(let path, let difference):
          ["change": "export", "path": .string(path), "differences": .array([difference.json])]
        case .requirement(let difference): ["change": "require", "differences": .array([difference.json])]
        }
      })
  }
}

extension GraphDifference.Difference {
  fileprivate var values: String { "\(old ?? "none") → \(new ?? "none")" }

  fileprivate var json: JSON {
    ["name": .string(name), "old": old.map(JSON.string) ?? .null, "new": new.map(JSON.string) ?? .null]
  }
}
