import Diagnostics
import Formats
import Operations
import Testing

@Suite("Chat templates")
struct ChatTemplateTests {
  private func model(_ files: [String: JSON]) -> Content {
    Content(.checkpoint, files: files.map { SideFile($0.key, Array($0.value.compact.utf8)) })
  }

  private func template(
    _ model: Content, _ settings: [String: Value] = [:], like: Content? = nil
  ) throws -> (text: String, files: [SideFile]) {
    var bindings = settings.mapValues(Binding.value)
    bindings["model"] = .contents([model])
    if let like { bindings["like"] = .contents([like]) }
    let made = try run("chat_template", bindings)
    let file = try #require(made.files.first { $0.name == "chat_template.jinja" })
    return (String(decoding: file.bytes, as: UTF8.self), made.files)
  }

  @Test("A template replaces all that a model had, wherever it stood")
  func replaces() throws {
    let old = model([
      "tokenizer_config.json": ["chat_template": "old", "eos_token": "</s>"],
      "chat_template.json": ["chat_template": "old"],
      "tokenizer.json": [:],
    ])
    let made = try template(old, ["text": .text("new")])
    #expect(made.text == "new")
    #expect(made.files.map(\.name) == ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json"])
    #expect(try JSON(parsing: made.files[2].bytes) == ["eos_token": "</s>"])
    #expect(try template(old).text.contains("<|im_start|>"))
    #expect(try template(old, ["named": .choice("mistral")]).text.contains("[INST]"))
  }

  @Test("Another model's template is found wherever it stands")
  func like() throws {
    let files: [[String: JSON]] = [
      ["tokenizer_config.json": ["chat_template": "its own"]], ["chat_template.json": ["chat_template": "its own"]],
      [
        "tokenizer_config.json": [
          "chat_template": [["name": "tools", "template": "no"], ["name": "default", "template": "its own"]]
        ]
      ],
    ]
    for files in files { #expect(try template(model([:]), like: model(files)).text == "its own") }
    #expect(throws: OperationError.self) { try template(model([:]), like: model(["tokenizer_config.json": [:]])) }
    #expect(throws: OperationError.self) { try template(model([:]), ["text": .text("a")], like: model(files[0])) }
  }
}
