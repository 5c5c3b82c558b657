import Catalog
import Diagnostics
import Foundation
import Operations
import Plans
import Tensors

/// The program: reads a command line, runs the command, and says how it ended.
///
/// Everything it touches comes in here, so a test drives it without a process of its own.
public struct Program: Sendable {
  let environment: [String: String]
  /// Absolute.
  let directory: String
  /// All that comes from standard input.
  let input: @Sendable () throws -> [UInt8]
  let output: TextStream
  let errors: TextStream
  let catalog: Catalog
  let interruption: Interruption

  public init(
    environment: [String: String], directory: String, output: TextStream, errors: TextStream,
    input: @escaping @Sendable () throws -> [UInt8] = { Array(try FileHandle.standardInput.readToEnd() ?? Data()) },
    catalog: Catalog = .standard,
    interruption: Interruption = Interruption()
  ) {
    self.environment = environment
    self.directory = directory
    self.input = input
    self.output = output
    self.errors = errors
    self.catalog = catalog
    self.interruption = interruption
  }

  /// Runs this process's command line and returns its exit status.
  public static func main() -> Int32 {
    // A reader that has seen enough, as in `mergekit log | head`, is no reason to die.
    signal(SIGPIPE, SIG_IGN)
    BLAS.prepare()
    let program = Program(
      environment: ProcessInfo.processInfo.environment, directory: FileManager.default.currentDirectoryPath,
      output: TextStream(descriptor: STDOUT_FILENO), errors: TextStream(descriptor: STDERR_FILENO))
    return program.run(Array(Swift.CommandLine.arguments.dropFirst()))
  }

  /// Runs a command line, without the program's name, and returns the exit status.
  public func run(_ arguments: [String]) -> Int32 {
    // Who types nothing else wants to know what there is.
    let arguments = arguments.isEmpty ? ["help"] : arguments
    var renderer = Renderer(isColored: Invocation.isColored(nil, errors, environment))
    let status: Int32
    do {
      let parsed = try ArgumentParser.parse(arguments, commands: Command.all)
      renderer = Renderer(isColored: Invocation.isColored(parsed[Options.color], errors, environment))
      let invocation = try Invocation(parsed, program: self)
      status = try parsed.command.run(invocation)
    } catch {
      status = report(error, renderer)
    }
    if let failure = output.failure {
      errors.write(renderer.text(Diagnostic("the result cannot be written: \(failure)", at: nil)))
      return OperationError(.io, "").exitStatus
    }
    return status
  }

  /// Says what went wrong; returns the exit status that it calls for.
  private func report(_ error: any Error, _ renderer: Renderer) -> Int32 {
    switch error {
    case let error as UsageError:
      errors.write(renderer.text(error.diagnostics))
      return UsageError.exitStatus
    case let error as DiagnosticsError:
      errors.write(renderer.text(error.diagnostics))
      return OperationError(.data, "").exitStatus
    case let error as PlanningError:
      errors.write(renderer.text(error.diagnostics))
      return error.cause == .operation(.interrupted) ? interruption.exitStatus : error.exitStatus
    case let error as OperationError:
      if error.cause == .interrupted {
        errors.write(renderer.text(Diagnostic("interrupted", at: nil)))
        return interruption.exitStatus
      }
      errors.write(renderer.text(Diagnostic(error)))
      return error.exitStatus
    default:
      errors.write(renderer.text(Diagnostic("\(error)", at: nil)))
      return OperationError(.io, "").exitStatus
    }
  }
}

extension Diagnostic {
  /// Trouble with the world that has no recipe line to point at.
  init(_ error: OperationError) {
    self.init(error.message, at: nil, notes: error.notes, helps: error.helps)
  }
}
