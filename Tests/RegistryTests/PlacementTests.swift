import Diagnostics
import Formats
import Foundation
import Operations
import Tensors
import Testing

@testable import Registry

/// Results that are computed straight into a folder outside.
@Suite struct PlacementTests {
  let sandbox: Sandbox
  let weights = [
    ("b", Tensor.sample(100, seed: 1)), ("a", Tensor.sample(7, seed: 2)), ("empty", Tensor([] as [Float], shape: [0])),
  ]

  init() throws { sandbox = try Sandbox() }

  private func placement(_ content: Content, _ name: String = "out") throws -> Placement {
    let (temporary, target) = (sandbox.path + "/.\(name)", sandbox.path + "/\(name)")
    try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    let layout = try ModelFolder.layout(
      config: content.facts, files: content.files.map { ($0.name, $0.bytes) },
      tensors: content.tensors.map { ($0.name, $0.dtype, $0.shape) }, shardSize: 420)
    return Placement(
      layout, in: temporary,
      publish: { artifact in
        try artifact.description.write(toFile: temporary + ".told", atomically: true, encoding: .utf8)
        try FileManager.default.moveItem(atPath: temporary, toPath: target)
        return target
      }, discard: { try? FileManager.default.removeItem(atPath: temporary) })
  }

  @Test func holdTheirTensorsAlone() throws {
    let content = Content.made(weights, files: [SideFile("tokenizer.json", Array("{}".utf8))])
    let stored = try sandbox.open().store(content, placement: placement(content))
    #expect(stored.isPlaced)
    #expect(try String(contentsOfFile: sandbox.path + "/.out.told", encoding: .utf8) == stored.digest.description)
    let elsewhere = try Sandbox()
    #expect(try elsewhere.open().store(content).digest == stored.digest)
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.path + "/out").sorted()
    #expect(
      names == [
        "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json", "tokenizer.json",
      ])
    let object = try StoredObject(try #require(sandbox.objects.first), in: sandbox.registry)
    #expect(object.stored.map { object.manifest.parts[$0.part].name } == ["tokenizer.json"])
    let found = try #require(try sandbox.open(.readOnly).content(stored.digest))
    for (name, tensor) in weights { #expect(try found.bytes(name) == tensor.rawBytes) }
    #expect(try sandbox.open().verify(share: 1).isEmpty)
  }

  @Test func areMadeAnewOnceTheyGoOrChange() throws {
    let content = Content.made(weights)
    let stored = try sandbox.open().store(content, placement: placement(content))
    try Data([1]).write(to: URL(fileURLWithPath: sandbox.path + "/out/model-00001-of-00002.safetensors"))
    #expect(try sandbox.open().content(stored.digest) == nil)
    let again = try sandbox.open().store(content, placement: placement(content, "elsewhere"))
    #expect(again.isPlaced && again.digest == stored.digest)
    try FileManager.default.removeItem(atPath: sandbox.path + "/elsewhere")
    #expect(try sandbox.open().content(stored.digest) == nil)
    #expect(try sandbox.open().store(content).isPlaced == false)
    #expect(try sandbox.open().content(stored.digest) != nil)
  }

  @Test func areNotUsedForWhatIsThere() throws {
    let content = Content.made(weights)
    let stored = try sandbox.open().store(content).content
    #expect(try !sandbox.open().store(stored, placement: placement(stored)).isPlaced)
    #expect(!FileManager.default.fileExists(atPath: sandbox.path + "/out"))
  }

  @Test func copyWhatLiesElsewhere() throws {
    let content = try Content.loaded(sandbox.writeModel("parent", [("b", weights[0].1)]))
    _ = try sandbox.open().store(content)
    var merged = Content.made([("a", weights[1].1)])
    merged.tensors.append(content.tensors[0])
    let stored = try sandbox.open().store(merged, placement: placement(merged))
    #expect(stored.isPlaced)
    let written = try ModelFolder(sandbox.path + "/out")
    #expect(
      try #require(written.entries.first { $0.name == "b" }).slice.read().withBytes { [UInt8]($0) }
        == weights[0].1.rawBytes)
  }

  @Test func thatFailLeaveNothingInTheRegistry() throws {
    var content = Content.made(weights)
    content.tensors.append(
      TensorEntry("broken", dtype: .f32, shape: [3]) { throw OperationError("no such luck") })
    let registry = try sandbox.open()
    let placement = try placement(content)
    #expect(throws: OperationError.self) { try registry.store(content, placement: placement) }
    #expect(sandbox.objects.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.path) == [".mergekit"])
  }
}
