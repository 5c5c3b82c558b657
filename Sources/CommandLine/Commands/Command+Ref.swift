import Diagnostics
import Formats
import Registry

extension Command {
  static let ref = Command(
    "ref", .results, "Give an artifact a name that keeps it, take one away, or list them.",
    discussion: """
      - `mergekit ref add NAME WHAT` names an artifact; other commands then know it by that name, and `mergekit gc` keeps it.
      - `mergekit ref rm NAME` takes the name away.
      - `mergekit ref list` lists all names.
      """,
    operands: [
      Operand("ACTION", .one, .choices(["add", "rm", "list"]), "add, rm or list."),
      Operand("NAME", .optional, .nothing, "The name: letters, digits, and `.`, `_`, `-`, `@`."),
      Operand("WHAT", .optional, .results, "A digest, the first digits of one, a run's number, or a name in a recipe."),
    ],
    options: [Options.force, Options.json],
    examples: ["mergekit ref add base@v3 merged", "mergekit ref list", "mergekit ref rm base@v3"]
  ) { invocation in
    let operands = invocation.arguments.operands
    switch (operands[0], operands.count) {
    case ("add", 3): try invocation.addRef(operands[1], to: operands[2])
    case ("rm", 2): try invocation.removeRef(operands[1])
    case ("list", 1): try invocation.listRefs()
    default:
      let usages = ["`mergekit ref add NAME WHAT`", "`mergekit ref rm NAME`", "`mergekit ref list`"]
      throw UsageError(
        Diagnostic(
          "`ref` does not know what to do with that", at: nil, helps: ["write " + usages.joined(separator: " or ")]))
    }
    return 0
  }
}

extension Invocation {
  private func registryWithRefs(_ access: Registry.Access) throws -> Registry {
    guard let registry = try openRegistry(access) else {
      throw OperationError(.missing, "nothing was applied here yet, so there is nothing to name")
    }
    return registry
  }

  fileprivate func addRef(_ name: String, to what: String) throws {
    if let complaint = Ref.complaint(about: name) {
      throw UsageError(Diagnostic("`\(name)` cannot be a name", at: nil, notes: [complaint]))
    }
    let registry = try registryWithRefs(.readWrite)
    let artifact = try findArtifact(what, in: registry)
    try registry.name(artifact, name, replaces: arguments.has(Options.force))
    if arguments.has(Options.json) {
      print(["name": .string(name), "artifact": .string(artifact.description)])
    } else {
      print("\(style(name, .bold))  \(style(artifact.short, .yellow))")
    }
  }

  fileprivate func removeRef(_ name: String) throws {
    try registryWithRefs(.readWrite).removeRef(name)
    if arguments.has(Options.json) { print(["removed": .string(name)]) }
  }

  fileprivate func listRefs() throws {
    let registry = try openRegistry(.readOnly)
    let refs = try registry?.refs() ?? []
    if arguments.has(Options.json) {
      return print(
        JSON.array(
          refs.map {
            [
              "name": .string($0.name), "artifact": .string($0.artifact.description),
              "since": .string($0.since.ISO8601Format()),
            ]
          }))
    }
    guard !refs.isEmpty else { return say("nothing has a name yet; `mergekit ref add NAME WHAT` gives one") }
    var table = Table()
    for ref in refs {
      let info = try registry?.info(of: ref.artifact)
      table.add(
        .init(ref.name, .bold), .init(ref.artifact.short, .yellow), .init(info?.kind.name ?? "gone"),
        .init(Measure.minute(ref.since), .faint))
    }
    for line in table.lines(style, indent: 0) { print(line) }
  }
}
