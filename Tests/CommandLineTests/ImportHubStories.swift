import Foundation
import Testing

/// Models as files of arcee's mergekit name them: by the Hub's names, which lie in a cache or in folders of models.
@Suite struct ImportHubStories {
  private let yaml = """
    models:
      - model: org/Math-7B
      - model: org/Code-7B@stable
      - model: {model: {path: org/Code-7B, revision: 0123abcd}}
    merge_method: linear
    parameters: {weight: 1}
    dtype: float32

    """

  /// A cache as `huggingface_hub` lays it out: files are links from a snapshot to blobs, branches and tags name snapshots.
  private func cached(_ name: String, commit: String, branches: [String], in session: Session) throws {
    let model = "\(session.folder)/cache/hub/models--\(name.replacing("/", with: "--"))"
    try session.writeModel("\(name) at \(commit)")
    let manager = FileManager.default
    for folder in ["blobs", "refs", "snapshots/\(commit)"] {
      try manager.createDirectory(atPath: "\(model)/\(folder)", withIntermediateDirectories: true)
    }
    for file in ["config.json", "model.safetensors"] {
      let blob = (file == "config.json" ? "c" : "d") + commit
      try manager.moveItem(atPath: "\(session.folder)/\(name) at \(commit)/\(file)", toPath: "\(model)/blobs/\(blob)")
      try manager.createSymbolicLink(
        atPath: "\(model)/snapshots/\(commit)/\(file)", withDestinationPath: "../../blobs/\(blob)")
    }
    for branch in branches {
      try (commit + "\n").write(toFile: "\(model)/refs/\(branch)", atomically: true, encoding: .utf8)
    }
  }

  @Test func cacheOfTheHub() throws {
    let session = try Session()
    try cached("org/Math-7B", commit: "aaaa", branches: ["main"], in: session)
    try cached("org/Code-7B", commit: "bbbb", branches: ["main", "stable"], in: session)
    try cached("org/Code-7B", commit: "0123abcd", branches: [], in: session)
    try session.write(yaml, to: "merge.yml")
    let hub = "\(session.folder)/cache/hub"
    for environment in [
      ["HF_HUB_CACHE": hub, "HF_HOME": "/nowhere"], ["HF_HOME": "\(session.folder)/cache"],
    ] {
      let result = session.run("import merge.yml", environment: environment)
      #expect(result.errors == "", "\(result)")
      for snapshot in ["Math-7B/snapshots/aaaa", "Code-7B/snapshots/bbbb", "Code-7B/snapshots/0123abcd"] {
        #expect(result.output.contains("\"\(hub)/models--org--\(snapshot)\""), "\(result)")
      }
    }
    #expect(
      session.run("import merge.yml -o merge.rcp --quiet", environment: ["HF_HUB_CACHE": hub]).status == 0)
    let applied = session.run("apply merge.rcp")
    #expect(applied.status == 0, "\(applied)")
    let models = try ["Math-7B/snapshots/aaaa", "Code-7B/snapshots/bbbb", "Code-7B/snapshots/0123abcd"].map {
      try session.tensors(in: "cache/hub/models--org--\($0)")
    }
    let merged = try session.tensors(in: "merged")
    for (name, entries) in merged {
      for (index, entry) in entries.enumerated() {
        let mean = models.reduce(0) { $0 + ($1[name]?[index] ?? .nan) } / 3
        #expect(abs(entry - mean) < 1e-6)
      }
    }
    try session.write(yaml.replacing("@stable", with: "@gone"), to: "merge.yml")
    let missing = session.run("import merge.yml", environment: ["HF_HUB_CACHE": hub])
    #expect(missing.status == 66)
    #expect(
      missing.errors == """
        error: there is no model at `org/Code-7B`, revision `gone`
         ——▶ merge.yml:3:12
          │
        3 │   - model: org/Code-7B@gone
          │            ^^^^^^^^^^^^^^^^
          = note: paths of the file are seen from `\(session.folder)`
          = note: the Hub's cache, `\(hub)`, has it neither
          = help: if it is on the Hub, `hf download org/Code-7B --revision gone` puts it into the cache
          = help: where it lies elsewhere as `Code-7B` or `org/Code-7B`, name that folder with `--models`

        """)
  }

  /// Folders of models hold them under their whole names, under the last part of them, or as the cache does.
  @Test func foldersOfModels() throws {
    let session = try Session()
    try cached("org/Chat-7B", commit: "aaaa", branches: ["main"], in: session)
    for model in ["mine/org/Math-7B", "yours/Code-7B"] { try session.writeModel(model) }
    try session.write(
      """
      models: [{model: org/Math-7B}, {model: org/Code-7B@v1}, {model: org/Chat-7B}]
      merge_method: karcher
      dtype: float32
      """, to: "merge.yml")
    let result = session.run("import merge.yml -o recipes/merge.rcp --models mine --models yours --models cache/hub")
    #expect(
      result.errors == """
        warning: `org/Code-7B` is a folder, and a folder has no revisions
         ——▶ merge.yml:1:40
          │
        1 │ models: [{model: org/Math-7B}, {model: org/Code-7B@v1}, {model: org/Chat-7B}]
          │                                        ^^^^^^^^^^^^^^ `@v1` is passed over, as in mergekit
        Next: mergekit plan recipes/merge.rcp

        """)
    let recipe = try session.read("recipes/merge.rcp")
    for path in [
      "../mine/org/Math-7B", "../yours/Code-7B", "\(session.folder)/cache/hub/models--org--Chat-7B/snapshots/aaaa",
    ] {
      #expect(recipe.contains("\"\(path)\""), "\(recipe)")
    }
    #expect(session.run("plan recipes/merge.rcp").status == 0)
  }

  /// A name leads nowhere but into the cache.
  @Test func namesLeadNowhereElse() throws {
    let session = try Session()
    try cached("org/Math-7B", commit: "aaaa", branches: ["main"], in: session)
    try session.writeModel("secret")
    for name in ["org/Math-7B@../../../../../secret", "../org/Math-7B", "org/..", "org/Math-7B@.."] {
      try session.write("models: [{model: \"\(name)\"}]\nmerge_method: passthrough\n", to: "in/merge.yml")
      let result = session.run("-C in import merge.yml", environment: ["HF_HOME": "\(session.folder)/cache"])
      #expect(result.status != 0 && result.output == "", "\(name): \(result)")
    }
  }
}
