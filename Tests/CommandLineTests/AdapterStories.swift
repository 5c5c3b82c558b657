import Formats
import Foundation
import Testing

/// Adapters from a model to a folder and back.
@Suite struct AdapterStories {
  private static let names = """
    recipe "Adapters"
    let base = classifier([8, 6, 4], seed: 1)

    """

  @Test func whatPissaTakesOutComesBack() throws {
    let session = try Session()
    try session.write(
      Self.names + """
        let start = pissa(base, rank: 2)
        let rest = base - start
        export start to "start"
        export rest to "rest"
        export rest + start to "whole"
        export attach(base: rest, adapter: start) to "same"
        export base to "base"

        """, to: "a.rcp")
    let plan = session.run("plan a.rcp").output
    #expect(plan.components(separatedBy: "  attach  ").count == 2, "one step for both ways to write it: \(plan)")
    #expect(session.run("apply a.rcp").status == 0)
    func entries(_ folder: String) throws -> [Float] {
      let file = try SafetensorsFile("\(session.folder)/\(folder)/model.safetensors")
      return try file.entries.flatMap { entry in
        try ModelFolder("\(session.folder)/\(folder)").entries.first { $0.name == entry.name }?.tensor().floats ?? []
      }
    }
    #expect(zip(try entries("whole"), try entries("base")).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(try entries("rest") != entries("base"))
    let config = try session.read("start/adapter_config.json")
    #expect(config.contains("\"peft_type\": \"LORA\"") && !config.contains("mergekit"))
    #expect(try session.read("start/mergekit.json").contains("\"made_by\": \"pissa\""))
    try session.write(
      Self.names + "export base + adapter(\"start\") to \"again\"\n", to: "b.rcp")
    #expect(session.run("apply b.rcp").status == 0)
  }

  @Test func whatIsNotSupportedIsNamed() throws {
    let session = try Session()
    try session.write(Self.names + "export lora_init(base, rank: 2) to \"lora\"\n", to: "a.rcp")
    #expect(session.run("apply a.rcp").status == 0)
    let config = try session.read("lora/adapter_config.json")
    try session.write(
      config.replacing("\"use_dora\": false", with: "\"use_dora\": false, \"use_qalora\": true"),
      to: "lora/adapter_config.json")
    try session.write(Self.names + "export base + adapter(\"lora\") to \"x\"\n", to: "b.rcp")
    let refused = session.run("apply b.rcp")
    #expect(refused.status == 65 && refused.errors.contains("is set up with `use_qalora`, which is not supported"))
    #expect(!session.isThere("x"))
    // A pickle is not opened, whatever it holds.
    try FileManager.default.removeItem(atPath: session.folder + "/lora/adapter_model.safetensors")
    try session.write("cos\nsystem\n(S'touch owned'\ntR.", to: "lora/adapter_model.bin")
    try session.write(config, to: "lora/adapter_config.json")
    let pickled = session.run("apply b.rcp")
    #expect(pickled.status == 65 && pickled.errors.contains("only `adapter_model.bin`"), "\(pickled)")
    #expect(!session.isThere("owned"))
  }
}
