/// Chat templates that mergekit knows by name.
enum ChatTemplateName {
  /// They are choices of `chat_template` under the same names.
  static let all = ["chatml", "mistral", "alpaca", "llama3", "exaone"]
  /// Of which mergekit's own have other blanks and line ends than the models that they are called after.
  static let spacedOtherwise: Set<String> = ["alpaca", "llama3", "exaone"]
}
