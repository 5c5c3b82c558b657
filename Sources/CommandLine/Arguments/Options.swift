/// Every option of every command, each said once.
enum Options {
  // MARK: Of all commands

  static let directory = Option("directory", short: "C", "DIR", .folder, "Work as if started in this folder.")
  static let registry = Option(
    "registry", "DIR", .folder, "Where results are kept; else MERGEKIT_REGISTRY, else the nearest `.mergekit` upward.")
  static let color = Option(
    "color", "WHEN", .choice(of: ["auto", "always", "never"]),
    "Whether to paint: auto, always or never; NO_COLOR also says never.")
  static let quiet = Flag("quiet", short: "q", "Say nothing but results and errors.")
  static let help = Flag("help", short: "h", "Explain the command.")

  static let version = Flag("version", "Print the version.")

  static let everywhere: [any OptionDeclaration] = [directory, registry, color, quiet, help, version]

  // MARK: Of some

  static let json = Flag("json", "Print one JSON document.")
  static let set = Option(
    "set", "NAME=VALUE", .assignment, isRepeatable: true,
    "Give a parameter of the recipe a value, in the recipe language; `--NAME VALUE` does the same.")
  static let out = Option("out", "DIR", .folder, "The folder that exports land in; the working directory by default.")
  static let jobs = Option(
    "jobs", short: "j", "N", .wholeFromOne, "How many steps run at the same time; one for each processor by default.")
  static let memory = Option(
    "memory", "SIZE", .bytes,
    "What running steps may hold together, such as 2GiB; three quarters of the machine's by default.")
  static let target = Option(
    "target", "NAME", .step, isRepeatable: true, "Make only this value of the recipe, and what it needs.")
  static let force = Flag("force", "Replace what is there already with other content.")
  static let withPaths = Flag(
    "with-paths", "Leave absolute paths in the recipe and the card beside a model; else only the last part of each.")
  static let html = Option(
    "html", "FILE", .file, "Write one page for a browser instead: graph, metrics, timeline and recipe.")
  static let report = Option(
    "report", "FILE", .file, "Write a page for a browser of what this apply made, as `log --html` does.")
  static let progress = Option(
    "progress", "HOW", .choice(of: ["auto", "live", "plain", "json", "none"]),
    "How to show progress: `live` draws on a terminal, `plain` prints lines, `json` tells programs, `none` is silent.")
  static let format = Option(
    "format", "FORMAT", .choice(of: ["text", "json"]), "How to print what was found: text or json.")
  static let check = Flag("check", "Change nothing; end with status 1 where something would change.")
  static let stdin = Flag("stdin", "Read the recipe from standard input, and print it in its form.")
  static let recipeText = Flag("recipe", "Print only the recipe that made it, as it was applied.")
  static let limit = Option("limit", "N", .wholeFromOne, "How many to show; 20 by default.")
  static let tensors = Option(
    "tensors", "PATTERN", .text, isValueOptional: true,
    "List the tensors, or only those like the pattern: `--tensors='*.mlp.*'`.")
  static let count = Flag("count", "Print only how many tokens there are.")
  static let lines = Option("lines", "FILE", .file, "Take each line of this file as a text.")
  static let exportFormat = Option(
    "as", "FORMAT", .text, "The format to write, with its settings: `json`, `safetensors(precision: .bf16)`.")
  static let recipe = Option(
    "output", short: "o", "RECIPE", .recipe, "The recipe to write; standard output by default.")
  static let models = Option(
    "models", "DIR", .folder, isRepeatable: true,
    "A folder that models lie in, under the names that the file has for them.")
  static let full = Flag("full", "Read every byte that is kept, and compare it with its digest.")
  static let repair = Flag(
    "repair", "Put right what can be: what is damaged is forgotten, so that the next apply makes it anew.")
  static let rebuildIndex = Flag("rebuild-index", "First make the index anew from the objects and receipts.")
  static let sample = Option(
    "sample", "SHARE", .share, "Read the bytes of this share of the objects, such as 5%, others than last time.")
  static let delete = Flag("delete", "Delete, instead of showing what would be deleted.")
  static let keepRuns = Option(
    "keep-runs", "N", .wholeFromZero, "Keep the results of so many of the last applies; of 20 by default.")
  static let keepWithin = Option(
    "keep-within", "TIME", .duration, "Keep what was made within this time, such as 12h or 14d; 14d by default.")
  static let maxSize = Option(
    "max-size", "SIZE", .bytes, "Keep at most so many bytes, such as 500GiB, the newest first; names keep all the same."
  )
  static let whyKept = Option("why-kept", "WHAT", .result, "Say only why this artifact is kept.")
  static let top = Option(
    "top", "N", .wholeFromOne, "How many tensors to list, those that changed most first; 20 by default.")
  static let save = Option(
    "save", "FILE", .file,
    "Write the plan to this file; `apply FILE` then does just that, or says what has changed since.")
  static let why = Option("why", "STEP", .step, "Say of this step alone what of its key has changed.")
  static let exitCode = Flag("exit-code", "End with status 2 where something is to run, with 0 where all is there.")
  static let since = Option(
    "since", "TIME", .time, "Only what began since then: a date such as 2026-11-23, or a time ago such as 12h or 14d.")
  static let operation = Option("op", "OPERATION", .operation, "Only applies that ran this operation.")
  static let status = Option(
    "status", "STATUS", .choice(of: ["ok", "failed", "interrupted", "killed", "running"]), "Only what ended like this.")
  static let table = Flag("table", "Show one line for each step, without the graph.")
  static let jsonLines = Flag("jsonl", "Print one JSON document on each line.")
  static let follow = Flag("follow", "Go on showing applies as they end, until Ctrl-C.")
}
