import Diagnostics
import Formats
import Foundation
import Tensors
import Testing

@Suite struct ModelFolderTests {
  /// Writes a safetensors file with one-byte tensors of these names.
  private func shard(_ folder: TemporaryFolder, _ name: String, _ tensors: [String]) throws {
    try SafetensorsLayout(tensors.map { ($0, .u8, [1]) }).write(to: folder(name)) { name in
      Tensor(bytes: [name.utf8.first ?? 0], dtype: .u8, shape: [1])
    }
  }

  private func index(_ folder: TemporaryFolder, _ map: JSON) throws {
    try folder.write("model.safetensors.index.json", JSON.object([.init("weight_map", map)]).compact)
  }

  private func complaint(_ folder: TemporaryFolder) throws -> String? {
    try folder.complaint { try ModelFolder(folder.path) }?.replacingOccurrences(of: folder.path, with: "model")
  }

  // MARK: Reading

  @Test func readsOneFileWithItsCompany() throws {
    let folder = try TemporaryFolder()
    try shard(folder, "model.safetensors", ["b", "a"])
    try shard(folder, "consolidated.safetensors", ["x"])
    try folder.write("config.json", #"{"model_type": "llama"}"#)
    for name in ["tokenizer.json", "merges.txt", "pytorch_model.bin", "README.md"] { try folder.write(name, "{}") }
    let model = try ModelFolder(folder.path)
    #expect(model.config["model_type"] == "llama")
    #expect(model.entries.map(\.name) == ["a", "b"])
    #expect(try model.entries[1].tensor().withBytes { Array($0) } == Array("b".utf8))
    #expect(model.sideFiles == [folder("merges.txt"), folder("tokenizer.json")])
    #expect(model.files == [folder("model.safetensors"), folder("config.json")] + model.sideFiles)
    let single = try ModelFolder(folder("consolidated.safetensors"))
    #expect(single.entries.map(\.name) == ["x"] && single.config == [:])
  }

  @Test func readsShards() throws {
    let folder = try TemporaryFolder()
    try shard(folder, "one.safetensors", ["a", "c"])
    try shard(folder, "two.safetensors", ["b"])
    try index(folder, ["a": "one.safetensors", "b": "two.safetensors", "c": "one.safetensors"])
    let model = try ModelFolder(folder.path)
    #expect(model.entries.map(\.name) == ["a", "b", "c"])
    #expect(model.files.count == 3)
  }

  @Test func refusesWhatItCannotRead() throws {
    let folder = try TemporaryFolder()
    #expect(try complaint(folder) == "`model` has no `model.safetensors`")
    #expect(try folder.complaint { try ModelFolder(folder("missing")) } == "there is no model at `missing`")
    try folder.write("pytorch_model.bin", "x")
    #expect(try complaint(folder) == "`model` has no safetensors, only `pytorch_model.bin`")
    try shard(folder, "adapter_model.safetensors", ["a"])
    #expect(try complaint(folder) == "`model` has no `model.safetensors`")
    #expect(try ModelFolder(folder.path, layout: .adapter).entries.count == 1)
    try shard(folder, "other.safetensors", ["a"])
    #expect(try complaint(folder) == "`model` has no `model.safetensors`")
    try shard(folder, "model.safetensors", ["a"])
    try folder.write("config.json", "[]")
    #expect(try complaint(folder) == "`config.json` is not a JSON object")
    try folder.write("config.json", #"{"a": 1,}"#)
    #expect(try complaint(folder) == "`config.json` is not JSON: a member's name is missing, at byte 8")
  }

  @Test func refusesAnIndexThatIsWrong() throws {
    let folder = try TemporaryFolder()
    try shard(folder, "one.safetensors", ["a", "b"])
    try shard(folder, "two.safetensors", ["b"])
    let file = "`model.safetensors.index.json`"
    try folder.write("model.safetensors.index.json", "{}")
    #expect(try complaint(folder) == "\(file) has no `weight_map`")
    try index(folder, ["a": "one.safetensors"])
    #expect(try complaint(folder) == "`b` lies in `one.safetensors`, but \(file) says nothing of it")
    try index(folder, ["a": "one.safetensors", "b": "two.safetensors"])
    #expect(try complaint(folder) == "`b` lies in `one.safetensors`, but \(file) says `two.safetensors`")
    try index(folder, ["a": "one.safetensors", "b": "one.safetensors", "c": "one.safetensors"])
    #expect(try complaint(folder) == "\(file) says that `c` lies in `one.safetensors`, but it does not")
    try index(folder, ["a": "three.safetensors"])
    #expect(try complaint(folder) == "there is no file `three.safetensors`")
    try index(folder, ["a": 1])
    #expect(try complaint(folder) == "\(file) says that `a` lies in something that is not a text")
    try folder.write("model.safetensors.index.json", #"{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}"#)
    #expect(try complaint(folder) == "\(file) is not JSON: `a` stands twice in one object, at byte 41")
  }

  @Test(arguments: [
    "../x.safetensors", "/etc/passwd", "/x.safetensors", "a/../../x.safetensors", "a/x.safetensors",
    "..\\x.safetensors",
    "C:\\x.safetensors", "C:x.safetensors", "\\\\host\\x.safetensors", "", ".", "..", "x.safetensors\0",
    "\0.safetensors",
    "x.bin", "./x.safetensors", String(repeating: "x", count: 300) + ".safetensors",
  ])
  func refusesANameThatLeadsElsewhere(_ name: String) throws {
    let folder = try TemporaryFolder()
    try index(folder, ["a": .string(name)])
    #expect(try complaint(folder) == "`model.safetensors.index.json` says that `a` lies in `\(name)`")
  }

  // MARK: Links

  @Test func followsLinksOnlyWithinTheFolder() throws {
    let folder = try TemporaryFolder()
    try shard(folder, "secret.safetensors", ["a"])
    try folder.makeFolder("model")
    let outside = "outside its folder"
    func complaint() throws -> String? { try folder.complaint { try ModelFolder(folder("model")) } }
    for target in ["../secret.safetensors", folder("secret.safetensors")] {
      try folder.link("model/model.safetensors", to: target)
      #expect(
        try complaint()
          == "`model/model.safetensors` is a symbolic link to `secret.safetensors`, \(outside)")
      #expect(unlink(folder("model/model.safetensors")) == 0)
    }
    // By way of another link.
    try folder.link("model/inner.safetensors", to: "../secret.safetensors")
    try folder.link("model/model.safetensors", to: "inner.safetensors")
    #expect(try complaint()?.hasSuffix(outside) == true)
    #expect(unlink(folder("model/inner.safetensors")) == 0)
    try shard(folder, "model/inner.safetensors", ["a"])
    #expect(try complaint() == nil)
    // What goes along with a model may not come from elsewhere either.
    try folder.link("model/tokenizer.json", to: "/etc/passwd")
    #expect(try complaint()?.hasSuffix(outside) == true)
    #expect(unlink(folder("model/tokenizer.json")) == 0)
    try folder.link("model/config.json", to: "/etc/passwd")
    #expect(try complaint()?.hasSuffix(outside) == true)
    #expect(unlink(folder("model/config.json")) == 0)
    // The folder itself may be a link: it is what was named.
    try folder.link("alias", to: "model")
    #expect(try ModelFolder(folder("alias")).entries.count == 1)
  }

  @Test func readsHuggingFacesCache() throws {
    let folder = try TemporaryFolder()
    for name in ["models--a/blobs", "models--a/snapshots/0123abcd", "models--b/blobs"] { try folder.makeFolder(name) }
    try shard(folder, "models--a/blobs/0f1e", ["a"])
    try shard(folder, "models--b/blobs/0f1e", ["b"])
    let snapshot = "models--a/snapshots/0123abcd"
    let link = "\(snapshot)/model.safetensors"
    try folder.link(link, to: "../../blobs/0f1e")
    #expect(try ModelFolder(folder(snapshot)).entries.map(\.name) == ["a"])
    for target in ["../../../models--b/blobs/0f1e", "../../refs/0f1e", "../../blobs/nothex"] {
      #expect(unlink(folder(link)) == 0)
      try folder.makeFolder("models--a/refs")
      for name in ["models--a/refs/0f1e", "models--a/blobs/nothex"]
      where !FileManager.default.fileExists(atPath: folder(name)) {
        try shard(folder, name, ["x"])
      }
      try folder.link(link, to: target)
      #expect(try folder.complaint { try ModelFolder(folder(snapshot)) }?.hasSuffix("outside its folder") == true)
    }
  }

  // MARK: Writing

  private static let tensors: [(name: String, dtype: DType, shape: Shape)] = [
    ("d", .f32, [1]), ("a", .bf16, [4]), ("b", .f32, [4]), ("c", .bf16, [1]), ("e", .u8, []),
  ]

  private func write(_ folder: TemporaryFolder, _ name: String, shardSize: Int) throws {
    try folder.makeFolder(name)
    try ModelFolder.layout(
      config: ["model_type": "x"], files: [("tokenizer.json", Array("{}".utf8))], tensors: Self.tensors,
      shardSize: shardSize
    ).write(to: folder(name)) { name in
      let tensor = try #require(Self.tensors.first { $0.name == name })
      let bytes = [UInt8](repeating: UInt8(name.utf8.count), count: tensor.shape.count * tensor.dtype.size)
      return Tensor(bytes: bytes, dtype: tensor.dtype, shape: tensor.shape)
    }
  }

  @Test func writesOneFileOrShards() throws {
    let folder = try TemporaryFolder()
    try write(folder, "whole", shardSize: 100)
    try write(folder, "cut", shardSize: 10)
    try write(folder, "again", shardSize: 10)
    let manager = FileManager.default
    #expect(
      try manager.contentsOfDirectory(atPath: folder("whole")).sorted()
        == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(
      try manager.contentsOfDirectory(atPath: folder("cut")).sorted() == [
        "config.json", "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
        "model-00003-of-00003.safetensors", "model.safetensors.index.json", "tokenizer.json",
      ])
    #expect(manager.contentsEqual(atPath: folder("cut"), andPath: folder("again")))
    #expect(
      try String(decoding: File.contents(of: folder("cut/model.safetensors.index.json")), as: UTF8.self) == """
        {
          "metadata": {
            "total_size": 31
          },
          "weight_map": {
            "a": "model-00001-of-00003.safetensors",
            "b": "model-00002-of-00003.safetensors",
            "c": "model-00003-of-00003.safetensors",
            "d": "model-00003-of-00003.safetensors",
            "e": "model-00003-of-00003.safetensors"
          }
        }

        """)
    for name in ["whole", "cut"] {
      let model = try ModelFolder(folder(name))
      #expect(model.config == ["model_type": "x"])
      #expect(
        model.entries.map { "\($0.name) \($0.dtype.rawValue) \($0.shape)" } == [
          "a BF16 4", "b F32 4", "c BF16 1", "d F32 1", "e U8 scalar",
        ])
    }
    #expect(try SafetensorsFile(folder("whole/model.safetensors")).metadata.map(\.text) == ["pt"])
  }

  @Test func writesNoFileElsewhere() throws {
    let folder = try TemporaryFolder()
    try folder.makeFolder("model")
    let complaint = try folder.complaint {
      _ = try ModelFolder.layout(config: [:], files: [("../x", [])], tensors: [], shardSize: 1)
    }
    #expect(complaint == "a file of the model is called `../x`, which is not a plain name")
    #expect(try folder.names == ["model"])
  }
}
