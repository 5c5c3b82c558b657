extension Command {
  /// All commands, in the order in which help lists them.
  static let all: [Command] = [
    .apply, .plan, .check, .format, .import,
    .log, .show, .why, .diff, .tokenize, .export, .ref, .verify, .collect, .doctor,
    .operations, .describe, .help, .completions, .documentation, .version,
  ]
}
