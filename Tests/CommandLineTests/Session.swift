import CommandLine
import Foundation
import Operations

/// A folder of its own in which command lines are run, in this process.
final class Session {
  let folder: String
  private let catalog: Catalog?

  /// Shared by all its command lines: cancelled once, everything stops.
  let interruption = Interruption()

  init(catalog: Catalog? = nil) throws {
    self.catalog = catalog
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("mergekit-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// What one command line gave.
  struct Result: Equatable, CustomStringConvertible {
    var status: Int32 = 0
    var output = ""
    var errors = ""

    var description: String { "status \(status)\n--- output\n\(output)--- errors\n\(errors)---" }
  }

  /// Runs a command line and takes out of what it says all that differs from run to run: digests, times, the folder.
  func story(_ line: String) -> Result {
    var result = run(line)
    for (pattern, name) in Session.varying {
      result.output = result.output.replacing(pattern, with: name)
      result.errors = result.errors.replacing(pattern, with: name)
    }
    result.output = result.output.replacing(folder, with: "FOLDER")
    result.errors = result.errors.replacing(folder, with: "FOLDER")
    return result
  }

  private static var varying: [(Regex<Substring>, String)] {
    [
      (/b3:[0-9a-f]{64}/, "b3:DIGEST"), (/\b[0-9a-f]{10}\b/, "DIGEST"), (/\d{4}-\d\d-\d\d \d\d:\d\d/, "DATE"),
      (/slowest: [^\n]*\n/, ""), (/By the last runs of these steps[^\n]*\n/, ""), (/[ ]*\b[0-9.]+ s\b/, " TIME"),
      // Products differ in their last bits from one kind of processor to another.
      (/[ ]*[0-9.]+ \([0-9.]+ to [0-9.]+\)/, " N (N to N)"), (/[ ]+0\.\d+/, " N"),
      (/[ ]+accuracy[ ]+loss[ ]+examples/, "  accuracy  loss  examples"),
    ]
  }

  /// Runs a command line, its words divided by blanks.
  func run(
    _ line: String, environment: [String: String] = [:], asTerminal: Bool = false, input: String = ""
  ) -> Result {
    run(
      line.split(separator: " ").map(String.init), environment: environment, asTerminal: asTerminal, input: input)
  }

  func run(
    _ arguments: [String], environment: [String: String] = [:], asTerminal: Bool = false, input: String = ""
  ) -> Result {
    let output = TextStream(inMemoryAsTerminal: asTerminal)
    let errors = TextStream(inMemoryAsTerminal: asTerminal)
    let program =
      catalog.map {
        Program(
          environment: environment, directory: folder, output: output, errors: errors,
          input: { Array(input.utf8) }, catalog: $0, interruption: interruption)
      }
      ?? Program(
        environment: environment, directory: folder, output: output, errors: errors, input: { Array(input.utf8) },
        interruption: interruption)
    let status = program.run(arguments)
    return Result(status: status, output: output.written, errors: errors.written)
  }

  func write(_ text: String, to name: String) throws {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }

  func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + name) }
}
