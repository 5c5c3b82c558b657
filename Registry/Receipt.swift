import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations

/// The file that says that a step was done: everything that a `Run` holds but its number, which is the file's name.
enum Receipt {
  private static let format = "mergekit-receipt/1"

  static func bytes(_ run: Run) -> [UInt8] {
    SealedJSON.bytes([
      "format": .string(format), "key": .string(run.key.description), "operation": .string(run.operation),
      "version": .integer(run.version), "label": .string(run.label), "recipe": .string(run.recipe),
      "components": .array(
        run.components.map {
          ["role": .string($0.role.rawValue), "name": .string($0.name), "value": .string($0.value)]
        }),
      "inputs": .array(
        run.inputs.map { ["slot": .string($0.slot), "artifact": .string($0.artifact.description)] }),
      "output": .string(run.output.description), "started": .number(run.started.timeIntervalSince1970),
      "seconds": .number(run.seconds), "environment": environment(run.environment),
      "curve": run.curve?.json ?? .null,
    ])
  }

  /// - Throws: `OperationError` of cause `.corrupt`, or `.version` where a newer mergekit wrote it.
  static func read(_ path: String, id: Int) throws -> Run {
    let json = try SealedJSON.read(path)
    guard json["format"]?.string == format else {
      throw OperationError(.version, "`\(path)` is not a receipt that this mergekit can read")
    }
    guard let key = json["key"]?.digest, let operation = json["operation"]?.string,
      let version = json["version"]?.integer,
      let label = json["label"]?.string, let recipe = json["recipe"]?.string, let output = json["output"]?.digest,
      let components = json["components"]?.array?.map(component), let inputs = json["inputs"]?.array?.map(input),
      let started = json["started"]?.number, let seconds = json["seconds"]?.number,
      let environment = json["environment"].flatMap(environment),
      components.allSatisfy({ $0 != nil }), inputs.allSatisfy({ $0 != nil }), let curve = curve(json["curve"] ?? .null)
    else { throw OperationError(.corrupt, "`\(path)` is damaged: something is missing in it") }
    return Run(
      id: id, key: key, operation: operation, version: version, label: label, recipe: recipe,
      components: components.compactMap { $0 }, inputs: inputs.compactMap { $0 }, output: output,
      started: Date(timeIntervalSince1970: started), seconds: seconds, environment: environment,
      curve: curve)
  }

  private static func component(_ json: JSON) -> Run.Component? {
    guard let role = json["role"]?.string.flatMap(Run.Component.Role.init), let name = json["name"]?.string,
      let value = json["value"]?.string
    else { return nil }
    return Run.Component(role, name, value)
  }

  private static func input(_ json: JSON) -> Run.Input? {
    guard let slot = json["slot"]?.string, let artifact = json["artifact"]?.digest else { return nil }
    return Run.Input(slot: slot, artifact: artifact)
  }

  /// None for null; nil where it is no curve.
  static func curve(_ json: JSON) -> Curve?? {
    if json == .null { return .some(nil) }
    return Curve(json).map { .some($0) }
  }

  // MARK: Environment

  static func environment(_ environment: [String: String]) -> JSON {
    .object(environment.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) })
  }

  static func environment(_ json: JSON) -> [String: String]? {
    guard let members = json.object, members.allSatisfy({ $0.value.string != nil }) else { return nil }
    return Dictionary(members.compactMap { member in member.value.string.map { (member.name, $0) } }) { first, _ in
      first
    }
  }
}
