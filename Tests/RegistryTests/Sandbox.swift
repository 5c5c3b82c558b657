import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Synchronization
import Tensors

@testable import Registry

/// An empty folder with a place for a registry in it, removed with the object.
final class Sandbox: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("registry-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var registry: String { path + "/.mergekit" }

  func open(_ access: Registry.Access = .readWrite) throws -> Registry { try Registry.open(registry, access: access) }

  /// The paths of files, seen from the registry, whose name ends in some way.
  func files(_ ending: String) -> [String] {
    (FileManager.default.subpaths(atPath: registry) ?? []).filter { $0.hasSuffix(ending) }.sorted()
  }

  /// The objects' paths, seen from the registry.
  var objects: [String] { files(".safetensors").filter { $0.hasPrefix("objects/") } }

  /// Changes a file of the registry as a bad disk would.
  func damage(_ file: String, _ change: (inout [UInt8]) -> Void) throws {
    let path = registry + "/" + file
    var bytes = try File.contents(of: path)
    change(&bytes)
    try FileManager.default.removeItem(atPath: path)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  /// Writes a model outside the registry: `<name>.safetensors`.
  func writeModel(_ name: String, _ tensors: [(name: String, tensor: Tensor)]) throws -> String {
    let file = path + "/\(name).safetensors"
    try? FileManager.default.removeItem(atPath: file)
    let layout = SafetensorsLayout(tensors.map { ($0.name, $0.tensor.dtype, $0.tensor.shape) })
    try layout.write(to: file) { name in tensors.first { $0.name == name }?.tensor ?? tensors[0].tensor }
    return file
  }
}

extension Content {
  /// A checkpoint of some tensors that are computed when asked for.
  static func made(_ tensors: [(name: String, tensor: Tensor)], files: [SideFile] = []) -> Content {
    Content(.checkpoint, facts: ["hidden": 4], tensors: tensors.map { TensorEntry($0.name, $0.tensor) }, files: files)
  }

  /// The checkpoint in a model file, referred to and not read.
  static func loaded(_ path: String) throws -> Content {
    let file = try SafetensorsFile(path)
    return Content(
      .checkpoint, facts: ["hidden": 4],
      tensors: file.header.entries.map { entry in
        let slice = file.slice(of: entry)
        return TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape, file: slice) {
          Tensor(dtype: entry.dtype, shape: entry.shape, buffer: try slice.read())
        }
      })
  }

  func bytes(_ name: String) throws -> [UInt8] { try tensor(name).rawBytes }
}

extension Tensor {
  var rawBytes: [UInt8] { withBytes { [UInt8]($0) } }

  /// Numbers that another seed gives otherwise.
  static func sample(_ count: Int, seed: Int) -> Tensor {
    Tensor((0..<count).map { Float(($0 &* 2_654_435_761 &+ seed &* 40503) % 1009) / 1009 }, shape: [count])
  }
}

extension Run {
  static func sample(
    _ number: Int, output: Digest = .sample(0), label: String = "merged", inputs: [Run.Input] = []
  ) -> Run {
    Run(
      key: .sample(number), operation: "ties", version: 1, label: label, recipe: "recipe.rcp",
      components: [.init(.operation, "operation", "ties"), .init(.parameter, "density", "0.\(number)")], inputs: inputs,
      output: output, started: Date(timeIntervalSince1970: 1_790_000_000.25 + Double(number)), seconds: 0.5,
      environment: ["mergekit": "0.1.0", "blas": "haswell"])
  }
}

extension Digest {
  static func sample(_ number: Int) -> Digest { BLAKE3.hash(Array("sample \(number)".utf8)) }
}

/// A number that several threads raise.
final class Counter: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  func raise() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// What a progress report said, in order.
final class Log: Sendable {
  private let lines = Mutex<[(Int, Int)]>([])

  var values: [(Int, Int)] { lines.withLock { $0 } }

  func add(_ done: Int, _ total: Int) { lines.withLock { $0.append((done, total)) } }
}
