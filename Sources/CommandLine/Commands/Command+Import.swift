import Diagnostics
import Formats
import Foundation
import Imports
import Operations

extension Command {
  static let `import` = Command(
    "import", .recipes, "Turn a file of arcee's mergekit into a recipe that means the same.",
    discussion: """
      Whatever the file says is translated or refused: unknown keys, settings where nothing looks for them, filters that fit no tensor. The \
      models must be there, for their headers say how many layers there are and what tensors are called. Relative paths in the file are \
      seen from where you stand, as mergekit sees them; in the recipe they are seen from the recipe. Names as the Hub has them are \
      looked for in the folders of `--models`, as `ORG/NAME` or `NAME`, and in Hugging Face's cache (`HF_HUB_CACHE`, `HF_HOME`), where \
      `hf download` puts them; `NAME@REVISION` is a branch, a tag or a commit of the cache. Nothing is downloaded here.
      """,
    operands: [Operand("FILE", .one, .files, "The YAML file.")],
    options: [Options.recipe, Options.models, Options.force],
    examples: [
      "mergekit import merge.yml", "mergekit import merge.yml -o merge.rcp",
      "mergekit import merge.yml --models ~/models",
    ]
  ) { invocation in
    let name = invocation.arguments.operand
    let output = invocation.arguments[Options.recipe]
    let path = invocation.absolute(output ?? "recipe.rcp")
    let imported: MergekitImport
    do {
      imported = try MergekitImport(
        Source(name: name, text: invocation.readLibrary(invocation.absolute(name))),
        search: ModelSearch(
          directory: invocation.directory, folders: invocation.arguments.all(Options.models).map(invocation.absolute),
          cache: HubCache(environment: invocation.program.environment)),
        recipeFolder: (path as NSString).deletingLastPathComponent, catalog: invocation.catalog)
    } catch let failure as MergekitImport.Failure {
      invocation.program.errors.write(invocation.renderer.text(failure.diagnostics))
      return OperationError(failure.isOnlyMissingModels ? .missing : .data, "").exitStatus
    }
    if !imported.warnings.isEmpty, !invocation.isQuiet {
      invocation.program.errors.write(invocation.renderer.text(imported.warnings))
    }
    guard let output else {
      invocation.program.output.write(imported.recipe)
      return 0
    }
    let isThere = FileManager.default.fileExists(atPath: path)
    let isSame = isThere && (try? File.contents(of: path)) == Array(imported.recipe.utf8)
    guard isSame || !isThere || invocation.arguments.has(Options.force) else {
      throw OperationError(
        .output, "`\(output)` is there already, with other content",
        helps: ["`--force` replaces it, `--output` writes elsewhere"])
    }
    if !isSame { try TextFile.write(imported.recipe, to: path) }
    invocation.print("\(invocation.style(Renderer.printable(output), .bold))  \(isSame ? "up to date" : "written")")
    invocation.say("Next: mergekit plan \(output)")
    return 0
  }
}
