import Diagnostics
import Formats
import Foundation
import Operations

/// A command that is being run: what it was told, and the world around it.
struct Invocation: Sendable {
  let arguments: Arguments
  let program: Program
  /// The folder that paths are seen from; absolute.
  let directory: String
  /// For standard output.
  let style: Style
  /// For standard error.
  let errorStyle: Style

  init(_ arguments: Arguments, program: Program) throws {
    self.arguments = arguments
    self.program = program
    directory = try Invocation.directory(arguments[Options.directory], program)
    let color = arguments[Options.color]
    style = Style(isColored: Invocation.isColored(color, program.output, program.environment))
    errorStyle = Style(isColored: Invocation.isColored(color, program.errors, program.environment))
  }

  var catalog: Catalog { program.catalog }
  var isQuiet: Bool { arguments.has(Options.quiet) }
  var renderer: Renderer { Renderer(isColored: errorStyle.isColored) }

  /// Columns that texts may take.
  var width: Int { min(max(program.output.columns ?? 100, 40), 100) }

  /// Prints a line of the result.
  func print(_ line: String = "") { program.output.writeLine(line) }

  /// Prints a document of the result.
  func print(_ json: JSON) { program.output.write(json.pretty) }

  /// Prints a document of the result on one line.
  func print(line json: JSON) { print(json.compact) }

  /// Says something about the work, on standard error.
  func say(_ line: String) { if !isQuiet { program.errors.writeLine(line) } }

  /// Says what is likely a mistake, and in nobody's way; to programs as an event beside those of the run.
  func warn(_ warnings: [Diagnostic]) {
    guard !warnings.isEmpty, !isQuiet else { return }
    guard arguments[Options.progress] == "json" else { return program.errors.write(renderer.text(warnings) + "\n") }
    for warning in warnings {
      let event: JSON = [
        "event": "warning", "message": .string(warning.message), "helps": .array(warning.helps.map(JSON.string)),
      ]
      program.errors.writeLine(event.compact)
    }
  }

  /// A path of the command line as an absolute one.
  func absolute(_ path: String) -> String { Invocation.join(directory, path) }

  static func join(_ folder: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    return path == "." ? folder : (folder.hasSuffix("/") ? folder : folder + "/") + path
  }

  static func isColored(_ choice: String?, _ stream: TextStream, _ environment: [String: String]) -> Bool {
    switch choice {
    case "always": true
    case "never": false
    default:
      environment["NO_COLOR", default: ""].isEmpty
        && (!["", "0"].contains(environment["CLICOLOR_FORCE", default: ""])
          || stream.isTerminal && environment["TERM"] != "dumb")
    }
  }

  private static func directory(_ choice: String?, _ program: Program) throws -> String {
    guard let choice else { return program.directory }
    let path = join(program.directory, choice)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      throw OperationError(.missing, "there is no folder `\(choice)`")
    }
    return path
  }
}
