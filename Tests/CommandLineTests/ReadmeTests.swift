import Foundation
import Testing

/// Every code block of the README is run, and every recipe that ships.
@Suite struct ReadmeTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct Block {
    let language: Substring
    let text: String
  }

  static func blocks() throws -> [Block] {
    let parts = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
      .components(separatedBy: "```")
    return stride(from: 1, to: parts.count, by: 2).map { index in
      let lines = parts[index].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      return Block(language: lines[0], text: String(lines[1]))
    }
  }

  static func text(of path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// A folder that holds the recipes that ship.
  static func session() throws -> Session {
    let session = try Session()
    // Not what was fetched beside them.
    let shipped = root.appendingPathComponent("Recipes").path
    try FileManager.default.createDirectory(atPath: session.folder + "/Recipes", withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: shipped) where name != "inputs" {
      try FileManager.default.copyItem(atPath: "\(shipped)/\(name)", toPath: "\(session.folder)/Recipes/\(name)")
    }
    return session
  }

  @Test func allBlocksAreOfAKnownKind() throws {
    #expect(Set(try Self.blocks().map(\.language)) == ["rcp", "console", "sh", "swift"])
  }

  @Test func theRecipeIsTheOneThatShips() throws {
    let recipes = try Self.blocks().filter { $0.language == "rcp" }.map(\.text)
    #expect(recipes == [try Self.text(of: "Recipes/average.rcp")])
  }

  @Test func theOperationIsOneThatIsTested() throws {
    let operations = try Self.blocks().filter { $0.language == "swift" }.map(\.text)
    #expect(operations == [try Self.text(of: "Tests/CommandLineTests/Median.swift")])
  }

  /// Digests, times, run numbers and what a processor may compute otherwise in its last digits.
  private static func masked(_ text: String) -> [String] {
    let lines = text.replacing(/\d{4}-\d\d-\d\d \d\d:\d\d/, with: "DATE")
      .replacing(/[0-9a-f]{10}/, with: "DIGEST").replacing(/\d+\.\d+/, with: "#").replacing(/run \d+/, with: "run #")
      .replacing(/(slowest:|By the last runs) [^\n]*\n/, with: "").split(separator: "\n")
    // Which of two steps at once is done first decides where the graph draws them.
    let isGraph = text.contains("●")
    let plain = lines.map { String($0).replacing(/[●│├╮─╯┤╰┼ ]+/, with: " ") }.filter { $0 != " " }
    return isGraph ? plain.sorted() : plain
  }

  @Test func theConsoleShowsWhatTheProgramSays() throws {
    let session = try Self.session()
    let mistaken = try Self.text(of: "Recipes/average.rcp")
      .replacing("seed: 2), data: train, epochs: 30", with: "seed: 2), data: train, rate: 2 GiB")
      .replacing("average([one, other])", with: "one + othr").replacing("split: .test", with: "split: .tset")
    try session.write(mistaken, to: "mistakes.rcp")
    let blocks = try Self.blocks().filter { $0.language == "console" }
    #expect(blocks.count == 5)
    for block in blocks {
      let lines = block.text.split(separator: "\n", maxSplits: 1)
      let line = try #require(lines[0].split(separator: "$ mergekit ").first)
      let result = session.run(String(line))
      let shown = result.output.isEmpty ? result.errors : result.output
      #expect(Self.masked(shown) == Self.masked(String(lines[1])), "\(line)")
    }
  }

  /// The scripts themselves would build what is being tested; what they run of the program is run here.
  @Test func theScriptsRunWhatThereIs() throws {
    let session = try Self.session()
    for block in try Self.blocks() where block.language == "sh" {
      let path = block.text.trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(FileManager.default.isExecutableFile(atPath: Self.root.appendingPathComponent(path).path), "\(path)")
      for line in try Self.text(of: path).split(separator: "\n") where line.hasPrefix("swift run mergekit ") {
        let result = session.run(String(line.dropFirst("swift run mergekit ".count)))
        #expect(result.status == 0, "\(line): \(result.errors)")
      }
    }
    #expect(session.isThere("out/fisher/merged/model.safetensors"))
    #expect(try Self.text(of: ".ci/run").contains("./Scripts/test"))
  }

  @Test func everyRecipeRunsToItsEndAndOnlyOnce() throws {
    let session = try Self.session()
    let recipes = try FileManager.default.subpathsOfDirectory(atPath: session.folder + "/Recipes")
      .filter { $0.hasSuffix(".rcp") }.sorted()
    #expect(!recipes.isEmpty)
    // What recipes read that is fetched, as small as can be.
    for name in ["minilm", "sre"] { try session.writeEncoder("Recipes/inputs/\(name)") }
    for recipe in recipes {
      let first = session.run("apply Recipes/\(recipe)")
      #expect(first.status == 0, "\(recipe): \(first.errors)")
      let second = session.run("apply Recipes/\(recipe)")
      #expect(second.errors.hasPrefix("nothing to do"), "\(recipe): \(second.errors)")
    }
  }

  @Test func theSameBytesWithAnyNumberOfJobs() throws {
    let models = try [1, 8].map { jobs in
      let session = try Self.session()
      #expect(session.run("apply Recipes/average.rcp --jobs \(jobs)").status == 0)
      return try Data(contentsOf: URL(fileURLWithPath: session.folder + "/out/average/model/model.safetensors"))
    }
    #expect(models[0] == models[1])
  }
}
