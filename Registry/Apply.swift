import Diagnostics
import Formats
import Foundation

/// How an `apply` ended, if it has.
public enum ApplyStatus: String, Sendable {
  case running, ok, failed, interrupted
}

/// One time that a recipe was applied.
public struct Apply: Sendable, Hashable {
  /// A run that it made or found.
  public struct Step: Sendable, Hashable {
    /// What the recipe calls the step.
    public let label: String
    public let run: Int
    /// Whether the run was there already.
    public let reused: Bool

    public init(label: String, run: Int, reused: Bool) {
      self.label = label
      self.run = run
      self.reused = reused
    }
  }

  public let id: Int
  /// The recipe's path as it was given.
  public let recipe: String
  /// The recipe as it was read.
  public let text: String
  /// What does it again, as one would type it; empty where nobody said.
  public let command: String
  public let started: Date
  public internal(set) var finished: Date?
  public internal(set) var status: ApplyStatus
  /// Why it failed; empty where it did not.
  public internal(set) var message: String
  public internal(set) var steps: [Step]
  /// Whether it is still marked as running although its process is gone: killed, or the machine was switched off.
  public internal(set) var wasKilled = false
  /// Names the process that runs it.
  let process: String
}

extension Apply {
  private static let format = "mergekit-apply/1"

  var bytes: [UInt8] {
    SealedJSON.bytes([
      "format": .string(Self.format), "recipe": .string(recipe), "text": .string(text),
      "command": .string(command),
      "started": .number(started.timeIntervalSince1970),
      "finished": finished.map { .number($0.timeIntervalSince1970) } ?? .null, "status": .string(status.rawValue),
      "message": .string(message), "process": .string(process),
      "steps": .array(
        steps.map { ["label": .string($0.label), "run": .integer($0.run), "reused": .bool($0.reused)] }),
    ])
  }

  /// - Throws: `OperationError` of cause `.corrupt`.
  init(reading path: String, id: Int) throws {
    let json = try SealedJSON.read(path)
    guard json["format"]?.string == Self.format, let recipe = json["recipe"]?.string, let text = json["text"]?.string,
      let started = json["started"]?.number, let status = json["status"]?.string.flatMap(ApplyStatus.init),
      let message = json["message"]?.string, let process = json["process"]?.string,
      let steps = json["steps"]?.array?.map(Self.step), steps.allSatisfy({ $0 != nil }),
      (json["finished"]?.number == nil) == (status == .running)
    else { throw OperationError(.corrupt, "`\(path)` is damaged: something is missing in it") }
    self.init(
      id: id, recipe: recipe, text: text, command: json["command"]?.string ?? "",
      started: Date(timeIntervalSince1970: started),
      finished: json["finished"]?.number.map(Date.init(timeIntervalSince1970:)), status: status, message: message,
      steps: steps.compactMap { $0 }, process: process)
  }

  private static func step(_ json: JSON) -> Step? {
    guard let label = json["label"]?.string, let run = json["run"]?.integer, let reused = json["reused"]?.bool else {
      return nil
    }
    return Step(label: label, run: run, reused: reused)
  }
}
