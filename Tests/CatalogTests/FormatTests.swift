import Catalog
import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors
import Testing

@Suite("Files that are written and read")
struct FormatTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mergekit-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private func write(
    _ contents: [Content], _ name: String, _ settings: [String: Value] = [:], isList: Bool = false, to path: String
  ) throws {
    let format = try #require(Operations.Catalog.standard.format(name))
    try format.format.init(binding: settings.mapValues { .value($0) }).write(contents, isList: isList, to: path)
  }

  private func checkpoint(_ path: String, sha256: String? = nil) throws -> Content {
    try run("checkpoint", ["path": .value(.text(path)), "sha256": .value(sha256.map { .text($0) } ?? .none)])
  }

  @Test("A model comes back from its folder, whole and in shards")
  func roundTrip() throws {
    var model = try Samples(seed: 1).content(.checkpoint, label: "model")
    model.files = [SideFile("tokenizer.json", Array("{}".utf8))]
    for shard in [1e9, 40] {
      try inFolder { folder in
        try write([model], "safetensors", ["shard": .number(shard)], to: folder)
        let back = try checkpoint(folder)
        #expect(back.facts == model.facts)
        #expect(back.files == model.files)
        for tensor in model.tensors {
          let isSame = try back.tensor(tensor.name).hasSameBytes(as: tensor.load())
          #expect(isSame)
        }
        #expect(back.tensors.allSatisfy { $0.file != nil })
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names.contains("model.safetensors.index.json") == (shard == 40))
      }
    }
  }

  @Test("A model written in another precision says so in its configuration")
  func precision() throws {
    let model = try Samples(seed: 1).content(.checkpoint, label: "model")
    try inFolder { folder in
      try write([model], "safetensors", ["precision": .choice("bf16")], to: folder)
      let back = try checkpoint(folder)
      #expect(back.facts["torch_dtype"] == "bfloat16")
      for tensor in model.tensors {
        let isSame = try back.tensor(tensor.name).hasSameBytes(as: tensor.load().converted(to: .bf16))
        #expect(isSame)
      }
    }
    let huge = Content(
      .checkpoint, tensors: [TensorEntry("x", dtype: .f32, shape: [2]) { Tensor([1, 1e6], shape: [2]) }])
    try inFolder { folder in
      let error = #expect(throws: OperationError.self) {
        try write([huge], "safetensors", ["precision": .choice("f16")], to: folder)
      }
      #expect(error?.message == "entry 1 of `x` is 1000000.0, which F16 cannot hold")
    }
  }

  @Test("A model is pinned by the digest of its one file")
  func pins() throws {
    let model = try Samples(seed: 1).content(.checkpoint, label: "model")
    try inFolder { folder in
      try write([model], "safetensors", to: folder)
      let digest = SHA256.hash(try File.contents(of: folder + "/model.safetensors"))
      #expect(try checkpoint(folder, sha256: digest).tensors.count == 4)
      #expect(try checkpoint(folder + "/model.safetensors", sha256: digest.uppercased()).tensors.count == 4)
      let other = String(repeating: "0", count: 64)
      let error = #expect(throws: OperationError.self) { try checkpoint(folder, sha256: other) }
      #expect(error?.notes == ["its SHA-256 is \(digest)", "pinned is   \(other)"])
      #expect(throws: OperationError.self) { try checkpoint(folder, sha256: "abc") }
    }
  }

  @Test("Metrics become one object, a list of them an array")
  func metrics() throws {
    let one = Content(
      .metrics, facts: ["accuracy": 0.5, "accuracy_interval": [0.25, 0.75], "examples": 8], label: "after")
    try inFolder { folder in
      try write([one], "json", to: folder + "/one.json")
      #expect(
        try String(contentsOfFile: folder + "/one.json", encoding: .utf8) == """
          {
            "name": "after",
            "accuracy": 0.5,
            "accuracy_interval": [0.25, 0.75],
            "examples": 8
          }

          """)
      try write([one, one], "json", isList: true, to: folder + "/two.json")
      let two = try JSON(parsing: File.contents(of: folder + "/two.json"))
      #expect(two.array?.count == 2)
      #expect(two.array?.last?["accuracy"] == 0.5)
    }
  }

  @Test("Anything else becomes a safetensors file and its facts")
  func others() throws {
    let fisher = try Samples(seed: 1).content(.fisher, label: "fisher")
    try inFolder { folder in
      try write([fisher], "safetensors", to: folder)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["facts.json", "fisher.safetensors"])
      #expect(try SafetensorsFile(folder + "/fisher.safetensors").header.entries.count == 4)
    }
  }
}
