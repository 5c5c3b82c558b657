import Diagnostics
import Formats
import Operations

/// Gives a model another chat template. No tensor is read.
struct SetChatTemplate: RecipeOperation {
  static let about = About(
    "chat_template",
    "Give a model the text by which its tokenizer writes conversations.",
    discussion: """
      The template is another model's, one of those that are known by name, or a text in Jinja; it becomes \
      `chat_template.jinja`, and what the model had stands nowhere any more. Put it round the model that leads a merge: \
      the result has its files. mergekit calls this `chat_template`.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [
      Example("ChatML", "chat_template(a, named: .chatml)"),
      Example("A template of one's own", "chat_template(a, text: \"\\{\\{ messages[0].content }}\")"),
    ])

  @Input("The model to change.")
  var model: Checkpoint
  @Input("A model whose template it gets.")
  var like: Checkpoint?
  @Param("A template that is known by name; taken where there is neither `like` nor `text`.")
  var named: KnownChatTemplate = .chatml
  @Param("The template itself, in Jinja.")
  var text: String? = nil

  func outline() throws -> Content? { try changed() }

  func memory() -> Int { 0 }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try changed()) }

  private func changed() throws -> Content {
    var content = model.content
    let template = SideFile(ChatTemplate.fileName, Array(try template().utf8))
    let others = content.files.filter { ![ChatTemplate.fileName, "chat_template.json"].contains($0.name) }.map { file in
      guard file.name == "tokenizer_config.json", let config = try? JSON(parsing: file.bytes),
        let members = config.object, config["chat_template"] != nil
      else { return file }
      return SideFile(file.name, Array(JSON.object(members.filter { $0.name != "chat_template" }).pretty.utf8))
    }
    content.files = (others + [template]).sorted { $0.name < $1.name }
    return content
  }

  private func template() throws -> String {
    if let text {
      guard like == nil else {
        throw OperationError(.step, "`chat_template` takes `like` or `text`, and here are both")
      }
      return text
    }
    guard let like else { return named.jinja }
    let files = like.content.files
    guard let template = ChatTemplate.text({ name in files.first { $0.name == name }?.bytes }) else {
      throw OperationError(.data, "`\(like.label)` has no chat template")
    }
    return template
  }
}
