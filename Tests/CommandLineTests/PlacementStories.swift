import Formats
import Foundation
import Testing

/// A result of many bytes goes straight to where the recipe exports it.
@Suite struct PlacementStories {
  private static let recipe = """
    recipe "Large"
    export classifier(sizes: [4100, 4100, 10], seed: 1) to "out/large"

    """

  private func size(of folder: String) -> Int {
    let names = FileManager.default.subpaths(atPath: folder) ?? []
    return names.reduce(0) { sum, name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }

  @Test func itIsWrittenOnceAndMadeAnewWhenItIsGone() throws {
    let session = try Session()
    try session.write(Self.recipe, to: "large.rcp")
    #expect(session.run("apply large.rcp").output == "out/large  written\n")
    #expect(size(of: session.folder + "/out") > 64 << 20)
    #expect(size(of: session.folder + "/.mergekit") < 4 << 20)
    // The card is written before anybody could know the result but its writer.
    let shown = session.run("show out/large --json").status
    let lineage = try JSON(parsing: Array(try session.read("out/large/mergekit.lineage.json").utf8))
    let log = try JSON(parsing: Array(session.run("log --json").output.utf8))
    #expect(shown == 0 && lineage["artifact"] == log.array?[0]["steps"]?.array?[0]["artifact"])
    #expect(session.isThere("out/large/README.md") && session.isThere("out/large/recipe.rcp"))
    #expect(session.run("apply large.rcp").errors.contains("1 export up to date"))
    #expect(session.run("apply large.rcp --out other").output == "other/out/large  written\n")
    #expect(session.run("show out/large").status == 0)
    for folder in ["/out", "/other"] { try FileManager.default.removeItem(atPath: session.folder + folder) }
    #expect(session.run("plan large.rcp").output.contains("is no longer there"))
    #expect(session.run("apply large.rcp").output == "out/large  written\n")
    let names = try FileManager.default.contentsOfDirectory(atPath: session.folder + "/out")
    #expect(names == ["large"])
  }

  @Test func allOfItIsReadWhenOneAsks() throws {
    let session = try Session()
    try session.write(Self.recipe, to: "large.rcp")
    #expect(session.run("apply large.rcp").errors.contains("; `mergekit verify out/large` reads all of it\n"))
    let sound = Session.Result(output: "all is well in out/large: 4 tensors, 64.3 MiB read\n")
    #expect(session.run("verify out/large") == sound)

    // A bit that no sample holds, and a file that says that nothing was written to it.
    let file = session.folder + "/out/large/model.safetensors"
    let times = try FileManager.default.attributesOfItem(atPath: file)
    let handle = try #require(FileHandle(forUpdatingAtPath: file))
    try handle.seek(toOffset: 10_000_000)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: 10_000_000)
    try handle.write(contentsOf: Data([byte ^ 4]))
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: times[.modificationDate] as Any], ofItemAtPath: file)
    let damaged = session.run("verify out/large")
    #expect(damaged.status == 76)
    #expect(damaged.output.hasPrefix("damage: `") && damaged.output.contains("is no longer what was exported\n"))

    // Where no registry knows it, it tells of itself what it is to be.
    try FileManager.default.moveItem(atPath: session.folder + "/out/large", toPath: session.folder + "/away")
    try FileManager.default.removeItem(atPath: session.folder + "/.mergekit")
    let told = session.run("verify away")
    #expect(told.status == 76 && told.output.contains("`away` holds b3:"))
    try FileManager.default.removeItem(atPath: session.folder + "/away")
    #expect(session.run("apply large.rcp -q").status == 0)
    try FileManager.default.removeItem(atPath: session.folder + "/.mergekit")
    #expect(session.run("verify out/large") == sound)
  }

  @Test func aRoundedExportIsComparedWithWhatItWasRoundedFrom() throws {
    let session = try Session()
    try session.write(
      """
      recipe "Small"
      export classifier(sizes: [8, 8, 2], seed: 1) to "out/half" as safetensors(precision: .bf16)

      """, to: "small.rcp")
    #expect(session.run("apply small.rcp -q").status == 0)
    #expect(session.run("verify out/half").output == "all is well in out/half: 4 tensors, 180 B read\n")
    try session.write("{}", to: "out/half/config.json")
    #expect(
      session.story("verify out/half").output.hasPrefix("note: `config.json` of `out/half` was written to since "))
    #expect(session.run("verify out/half").status == 0)
    try FileManager.default.removeItem(atPath: session.folder + "/out/half/model.safetensors")
    #expect(session.run("verify out/half").status == 76)
  }

  @Test func itLeavesNothingBesideItselfWhenItFails() throws {
    let session = try Session()
    try session.write(
      """
      recipe "Large"
      let a = classifier(sizes: [4100, 4100, 10], seed: 1)
      export 1e38 * (1e3 * (a - classifier(sizes: [4100, 4100, 10], seed: 2))) to "deep/down/large"

      """, to: "large.rcp")
    let result = session.run("apply large.rcp")
    #expect(result.status == 1)
    #expect(result.errors.contains("cannot hold"))
    #expect(!session.isThere("deep"))
  }
}
