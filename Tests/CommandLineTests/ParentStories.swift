import Foundation
import Testing

/// Models that no parent joins are merged only with a warning.
@Suite struct ParentStories {
  private func session() throws -> Session {
    let session = try Session()
    try session.write(
      """
      recipe "Strangers"
      let a = classifier(sizes: [64, 80, 10], seed: 1)
      let b = classifier(sizes: [64, 80, 10], seed: 2)
      export a to "a"
      export b to "b"
      export 1.01 * (a - b) + b to "child"

      """, to: "made.rcp")
    #expect(session.run("apply made.rcp").status == 0)
    return session
  }

  private func plan(_ other: String, in session: Session) throws -> String {
    try session.write(
      """
      recipe "Merge"
      export average([checkpoint("a"), checkpoint("\(other)")]) to "merged"

      """, to: "merge.rcp")
    let result = session.run("plan merge.rcp")
    #expect(result.status == 0)
    return result.errors
  }

  @Test func strangersAreNamedWithTheirCosine() throws {
    let session = try session()
    let errors = try plan("b", in: session)
    #expect(errors.hasPrefix("warning: `export` merges models that do not look like children of one parent\n"))
    #expect(errors.contains("note: the cosine of the weights of `models[0]` and `models[1]` is "))
    #expect(try plan("child", in: session) == "")
    #expect(try plan("a", in: session) == "")
  }

  @Test func differentTokenizersAreNamed() throws {
    let session = try session()
    try session.write("{\"model\":{}}", to: "a/tokenizer.json")
    try session.write("{\"model\":{\"vocab\":{}}}", to: "child/tokenizer.json")
    let errors = try plan("child", in: session)
    #expect(errors.hasPrefix("warning: `export` merges models with different tokenizers\n"))
    #expect(errors.contains("`tokenizer.json` of `models[0]` and of `models[1]` differ"))
  }
}
