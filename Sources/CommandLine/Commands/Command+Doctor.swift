import Diagnostics
import Formats
import Foundation
import Plans
import Registry
import Tensors

extension Command {
  static let doctor = Command(
    "doctor", .reference, "Look at the machine and the registry, and say what is in the way.",
    discussion: """
      It looks at what results depend on: the disk under the registry, its locks and index, the processor's kernels, and what \
      processes that died have left. `mergekit verify` looks at the results themselves. Ends with status 1 where something is in the way.
      """,
    options: [Options.json]
  ) { invocation in
    let checkup = try Checkup(invocation)
    if invocation.arguments.has(Options.json) {
      invocation.print(checkup.json)
    } else {
      for line in checkup.lines(invocation.style) { invocation.print(line) }
    }
    return checkup.problems.isEmpty ? 0 : 1
  }
}

/// What `doctor` found.
private struct Checkup {
  private var facts: [(name: String, text: String)] = []
  private(set) var problems: [(what: String, help: String)] = []

  init(_ invocation: Invocation) throws {
    let machine = ProcessInfo.processInfo
    facts = [
      ("mergekit", Version.current), ("system", machine.operatingSystemVersionString),
      ("processors", String(machine.activeProcessorCount)), ("kernels", BLAS.kernelName),
      ("memory", Measure.bytes(Int(clamping: machine.physicalMemory))),
      ("slurm", Self.program("sbatch", invocation.program.environment) ?? "not found"),
    ]
    do {
      try lookAtRegistry(invocation)
    } catch let error as OperationError {
      problems.append((error.message, error.helps.first ?? "`mergekit verify` says more"))
    }
  }

  private mutating func lookAtRegistry(_ invocation: Invocation) throws {
    let leftovers = try invocation.openRegistry(.readOnly)?.leftovers() ?? []
    // Opening it for writing removes what they have left.
    let registry = try invocation.openRegistryAsAllowed()
    if let registry, registry.isReadOnly {
      problems.append(
        ("the registry `\(registry.path)` may not be written to", "`--registry DIR` keeps results somewhere else"))
    }
    guard let registry else {
      facts.append(("registry", "none yet; the first `mergekit apply` makes it"))
      return
    }
    let condition = try registry.condition()
    facts += [
      ("registry", registry.path), ("file system", condition.fileSystem ?? "unknown"),
      ("free", condition.freeBytes.map(Measure.bytes) ?? "unknown"),
      ("locks", condition.hasLocks ? "work" : "do not work"),
      (
        "index",
        "\(Measure.bytes(condition.indexBytes)), pages of \(Measure.bytes(condition.pageSize)), journal "
          + "\(condition.journal), SQLite \(condition.sqliteVersion)"
      ),
      (
        "holds",
        "\(Measure.count(condition.artifacts, "artifact")), \(Measure.count(condition.runs, "run")), "
          + "\(Measure.count(condition.applies, "apply", "applies"))"
      ),
    ]
    if !leftovers.isEmpty {
      let what = Measure.count(leftovers.count, "half-written export")
      facts.append(("removed", "\(what) of processes that died: \(leftovers.joined(separator: ", "))"))
    }
    problems += Self.problems(of: condition)
    if let killed = try registry.killedApply() { problems.append((killed.warning.message, killed.warning.helps[0])) }
  }

  private static func problems(of condition: RegistryCondition) -> [(what: String, help: String)] {
    var problems: [(what: String, help: String)] = []
    if !condition.hasLocks {
      problems.append(
        ("the file system has no locks: two processes may do the same work", "`--registry DIR` keeps results elsewhere")
      )
    }
    if condition.isOnNetwork {
      problems.append(
        (
          "the registry lies on a file system that machines share, where only one process at a time writes well",
          "`--registry DIR` keeps results on a disk of this machine"
        ))
    }
    if let free = condition.freeBytes, free < 1 << 30 {
      problems.append(
        ("less than 1 GiB is free where the registry lies", "`mergekit gc` shows what could be deleted"))
    }
    return problems
  }

  /// Where a program is, if it is on the path.
  private static func program(_ name: String, _ environment: [String: String]) -> String? {
    environment["PATH", default: ""].split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  func lines(_ style: Style) -> [String] {
    var table = Table()
    for (name, text) in facts { table.add(.init(name, .faint), .init(Renderer.printable(text))) }
    let found = problems.flatMap { problem in
      [
        "\(style("warning", .yellow)): \(Renderer.printable(problem.what))",
        "  = help: \(Renderer.printable(problem.help))",
      ]
    }
    return table.lines(style, indent: 0) + [""] + (found.isEmpty ? ["Nothing is in the way."] : found)
  }

  var json: JSON {
    [
      "facts": .object(facts.map { .init($0.name, .string($0.text)) }),
      "problems": .array(problems.map { ["what": .string($0.what), "help": .string($0.help)] }),
    ]
  }
}
