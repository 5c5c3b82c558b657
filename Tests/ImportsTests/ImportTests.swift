import Catalog
import Diagnostics
import Imports
import Operations
import Testing

/// Files of arcee's mergekit beside the recipes they become.
@Suite struct ImportTests {
  let models: TinyModels

  init() throws {
    models = try TinyModels()
    try models.write("base")
    try models.write("math")
    try models.write("org/Code-7B")
    try models.write("short", layers: 2)
  }

  /// The recipe of a file, or what is said of it.
  func imported(_ text: String, recipeFolder: String = "") throws -> String {
    let source = Source(name: "merge.yml", text: text)
    do {
      let imported = try MergekitImport(
        source, directory: models.path, recipeFolder: models.path + recipeFolder, catalog: .standard)
      return imported.recipe + Renderer().text(imported.warnings)
    } catch let failure as MergekitImport.Failure {
      return Renderer().text(failure.diagnostics).replacing(models.path, with: "FOLDER")
    }
  }

  @Test func linear() throws {
    #expect(
      try imported(
        """
        models:
          - model: math
            parameters:
              weight: 0.3
          - model: org/Code-7B
            parameters:
              weight: 0.7
        merge_method: linear
        dtype: bfloat16
        """, recipeFolder: "/recipes") == """
        ## What `merge.yml` says, a file of arcee's mergekit.
        recipe "merge"
        """)
  }
}
