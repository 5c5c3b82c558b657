/// The text by which a model's tokenizer writes a conversation, in Jinja.
public enum ChatTemplate {
  /// The file that holds it; older models have it in `tokenizer_config.json` or `chat_template.json`.
  public static let fileName = "chat_template.jinja"

  /// The template of a model; nil where it has none.
  /// - Parameter file: Gives the bytes of one of the model's files, if it is there.
  public static func text(_ file: (String) throws -> [UInt8]?) rethrows -> String? {
    if let bytes = try file(fileName) { return String(decoding: bytes, as: UTF8.self) }
    for name in ["tokenizer_config.json", "chat_template.json"] {
      guard let bytes = try file(name), let json = try? JSON(parsing: bytes) else { continue }
      if let text = text(in: json["chat_template"]) { return text }
    }
    return nil
  }

  /// One template, or the one called `default` of several.
  private static func text(in json: JSON?) -> String? {
    json?.string ?? json?.array?.first { $0["name"] == "default" }?["template"]?.string ?? json?["default"]?.string
  }
}
