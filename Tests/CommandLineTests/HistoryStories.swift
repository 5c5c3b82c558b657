import Foundation
import Testing

/// What was made, looked at afterwards.
@Suite struct HistoryStories {
  private func appliedTwice() throws -> Session {
    let session = try TinyRecipe.session()
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1").status == 0)
    #expect(session.run("apply Recipes/tiny.rcp -q --jobs 1 --epochs 5 --force").status == 0)
    return session
  }

  @Test func theLogIsAGraph() throws {
    let session = try appliedTwice()
    #expect(
      session.story("log")
        == .init(
          output: """
            apply 2  ok  DATE, TIME  Recipes/tiny.rcp  2 ran, 4 there already
              ●  after  evaluate  DIGEST TIME  ← tuned, held_out
              ●  tuned  finetune  DIGEST TIME  ← start, train

            apply 1  ok  DATE, TIME  Recipes/tiny.rcp  6 ran, 0 there already
              ●        after     evaluate    DIGEST TIME  ← tuned, held_out
              ├─╮
              ● │      tuned     finetune    DIGEST TIME  ← start, train
              ├─│─╮
              │ │ ●    train     dataset     DIGEST TIME
              │ │   ●  before    evaluate    DIGEST TIME  ← start, held_out
              ├─┼───╯
              ● │      start     classifier  DIGEST TIME
                ●      held_out  dataset     DIGEST TIME

            """))
    #expect(session.story("log recipes/tiny.rcp --limit 1").output.hasPrefix("apply 2  ok"))
    #expect(
      session.story("log after")
        == .init(
          output: """
            ●      after     evaluate    DIGEST TIME  ← tuned, held_out
            ├─╮
            ● │    tuned     finetune    DIGEST TIME  ← start, train
            ├─│─╮
            ● │ │  start     classifier  DIGEST TIME
              │ ●  train     dataset     DIGEST TIME
              ●    held_out  dataset     DIGEST TIME

            """))
    #expect(
      session.story("log nothing.rcp")
        == .init(
          status: 66,
          errors: """
            error: `nothing.rcp` was never applied here
              = help: `mergekit apply nothing.rcp` does it

            """))
  }

  @Test func artifactsRunsAndModelsAreShown() throws {
    let session = try appliedTwice()
    #expect(
      session.story("show tuned --tensors=*.weight")
        == .init(
          output: """
            checkpoint b3:DIGEST
              called         tuned, in Recipes/tiny.rcp
              made by        run 7: finetune, DATE, TIME
              from           base: DIGEST, `start`
                             data: DIGEST, `train`
              read by        run 8 (after)
              tensors        4 tensors, 42 entries, 168 B of F32
              family         not known: layers, embedding and head are inferred from names
              layers         2, called `layers`
              exported       FOLDER/out/model
              architectures  ["MultilayerPerceptron"]
              model_type     mlp
              sizes          [2,8,2]
              activation     relu
              torch_dtype    float32

              layers.0.weight  F32  8×2  64 B
              layers.1.weight  F32  2×8  64 B

            """))
    #expect(session.story("show after").output.contains("\n  examples  20\n"))
    #expect(session.story("show 4").output.contains("\n  parameter  epochs        3\n"))
    #expect(
      session.story("show Recipes/tiny.rcp")
        == .init(
          output: """
            Recipes/tiny.rcp, as apply 2 left it, DATE
              train     dataset     DIGEST  run 1
              held_out  dataset     DIGEST  run 2
              start     classifier  DIGEST  run 3
              tuned     finetune    DIGEST  run 7
              before    evaluate    DIGEST  run 5
              after     evaluate    DIGEST  run 8

            """))
    #expect(
      session.story("show out/model")
        == .init(
          output: """
            model out/model
              model_type     mlp
              architectures  ["MultilayerPerceptron"]
              tensors        4 tensors, 42 entries, 168 B of F32
              family         not known: layers, embedding and head are inferred from names
              layers         2, called `layers`
              files          1 safetensors file
              made as        `tuned` by finetune in Recipes/tiny.rcp
              digest         b3:DIGEST
              exported       DATE
              lineage        `mergekit log out/model` shows how it was made

            """))
    #expect(
      session.story("show nothing")
        == .init(
          status: 66,
          errors: """
            error: there is nothing called `nothing`
              = note: looked for a file, a digest, a run's number and a name in a recipe
              = help: `mergekit log` lists what was made

            """))
    #expect(
      session.story("show out/model --tensors=*.norm")
        == .init(
          status: 64,
          errors: """
            error: no tensor is like `*.norm`
              = note: there are 4 tensors
              = help: `*` stands for any run of characters: `--tensors='*.weight'`; `--tensors` alone lists all

            """))
  }

  @Test func artifactsAreExportedByName() throws {
    let session = try appliedTwice()
    #expect(session.story("export tuned small --as safetensors(precision:.bf16)") == .init(output: "small  written\n"))
    #expect(
      session.story("export tuned small --as safetensors(precision:.bf16)") == .init(output: "small  up to date\n"))
    #expect(session.story("show small").output.contains("84 B of BF16"))
    #expect(session.story("export before scores.json") == .init(output: "scores.json  written\n"))
    #expect(
      session.story("export after scores.json")
        == .init(
          status: 73,
          errors: """
            error: `scores.json` is there already, with other content
              = help: `--force` replaces it, another PATH leaves it as it is

            """))
    #expect(
      session.story("export tuned x --as json")
        == .init(status: 73, errors: "error: `json` does not write this: checkpoint\n"))
    #expect(session.story("export tuned x --as safetensor").status == 64)
  }

  @Test func damageIsFoundAndPutRight() throws {
    let session = try appliedTwice()
    #expect(
      session.story("verify --full")
        == .init(output: "all is well in FOLDER/.mergekit: 8 artifacts of 8 runs; every byte was read\n"))
    let objects = session.folder + "/.mergekit/objects"
    let name = try FileManager.default.subpathsOfDirectory(atPath: objects).filter { $0.hasSuffix(".safetensors") }
      .sorted()[0]
    chmod(objects + "/" + name, 0o644)
    let file = try #require(FileHandle(forUpdatingAtPath: objects + "/" + name))
    try file.seek(toOffset: try file.seekToEnd() - 1)
    let last = try #require(try file.readToEnd()?.first)
    try file.seek(toOffset: try file.offset() - 1)
    try file.write(contentsOf: Data([last ^ 1]))
    try file.close()

    let damaged = session.story("verify")
    #expect(damaged.status == 76 && damaged.output.hasPrefix("damage: ") && damaged.errors == "")
    let repaired = session.story("verify --repair")
    #expect(repaired.status == 0 && repaired.output.hasPrefix("repaired: "))
    #expect(session.story("verify --full").status == 0)
    #expect(session.run("apply Recipes/tiny.rcp -q --epochs 5").status == 0)
    #expect(session.story("verify --rebuild-index").output.hasPrefix("all is well in FOLDER/.mergekit: "))
  }

  @Test func aPageShowsTheHistory() throws {
    let session = try appliedTwice()
    let written = Session.Result(errors: "log.html written: open it in a browser\n")
    #expect(session.story("log --html log.html") == written)
    let page = try session.read("log.html")
    // Both trainings are there, the newer under the same name, each with its loss and what it was told.
    #expect(page.matches(of: /<title>tuned: finetune, from start, train<\/title>/).count == 2)
    #expect(page.matches(of: /<polyline/).count == 2 && page.contains("loss by steps"))
    #expect(page.contains(#"["epochs","3"]"#) && page.contains(#"["epochs","5"]"#))
    #expect(page.contains("Apply 1: 6 steps in") && page.contains("Apply 2: 2 steps in"))
    // Where it lies on this disk is nobody's business.
    #expect(page.contains(#"["exported","out/model"]"#) && !page.contains(session.folder))
    #expect(session.run("log --html again.html").status == 0)
    #expect(try session.read("again.html") == page)

    #expect(session.run("log tuned --html tuned.html").status == 0)
    let lineage = try session.read("tuned.html")
    #expect(lineage.contains("<h1>How tuned was made</h1>") && !lineage.contains("href=\"#timeline\""))
    #expect(lineage.matches(of: /class="node[ ]/).count == 3)
    #expect(session.run("apply Recipes/tiny.rcp -q --epochs 5 --report report.html").status == 0)
    #expect(try session.read("report.html").contains("6</dd>"))
    #expect(session.run("log --html out/model/config.json/x.html").status == 73)
  }

  @Test func nothingIsMadeByLooking() throws {
    let session = try TinyRecipe.session()
    #expect(
      session.story("log") == .init(errors: "nothing was applied here yet; `mergekit apply RECIPE` is how it begins\n"))
    #expect(session.story("log --json").output == "[]\n")
    #expect(session.story("verify").status == 66)
    #expect(session.story("export a b").status == 66)
    #expect(!session.isThere(".mergekit"))
  }

  @Test func namesFromFilesAreHarmlessToATerminal() throws {
    let session = try Session()
    let header = #"{"\u001b]0;owned\u0007.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    bytes.append(7)
    try Data(bytes).write(to: URL(fileURLWithPath: session.folder + "/evil.safetensors"))
    let result = session.run("show evil.safetensors --tensors", asTerminal: true)
    #expect(result.status == 0 && result.output.contains(#"\u{1b}]0;owned\u{7}.weight"#))
    #expect(!result.output.contains("\u{1B}]") && !result.output.contains("\u{7}"))
  }
}
