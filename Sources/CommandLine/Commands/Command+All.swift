extension Command {
  /// All commands, in the order in which help lists them.
  static let all: [Command] = [
    .apply, .plan, .check, .format, .import,
    .log, .show, .tokenize, .export, .verify,
    .operations, .describe, .help, .completions, .documentation, .version,
  ]
}
