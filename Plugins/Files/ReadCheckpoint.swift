import Diagnostics
import Fingerprints
import Formats
import Operations
import Tensors

/// A model as it lies in a folder or in a single safetensors file. Its tensors stay where they are.
struct ReadCheckpoint: RecipeOperation {
  static let about = About(
    "checkpoint",
    "Read a model from a folder, as Hugging Face lays it out, or from a single safetensors file.",
    discussion: """
      A folder has `config.json` and its tensors in `model.safetensors`, or in shards that \
      `model.safetensors.index.json` joins; the tokenizer's files come along. Only headers are read here, and nothing \
      is copied: tensors are read from where they lie. Pickles (`.bin`, `.pt`) are never read, for they run code.
      """,
    cost: "O(tensors); no tensor is read",
    examples: [Example("A model's folder", "checkpoint(\"models/base\")")])

  @Param("The model's folder or its safetensors file, seen from the recipe.")
  var path: SourcePath
  @Param("The SHA-256 that the model's one safetensors file must have, as Hugging Face publishes it.")
  var sha256: String? = nil

  func sources() throws -> [String] { try ModelFolder(path.path).files }

  func outline() throws -> Content? {
    let folder = try ModelFolder(path.path)
    _ = try pinnedFile(of: folder)
    return try content(of: folder)
  }

  func memory() -> Int { 64 << 20 }

  func run(_ context: Context) throws -> Checkpoint {
    let folder = try ModelFolder(path.path)
    if let pinned = try pinnedFile(of: folder) { try check(pinned.file, is: pinned.digest, context) }
    return Checkpoint(try content(of: folder))
  }

  private func content(of folder: ModelFolder) throws -> Content {
    let files = try folder.sideFiles.map { path in
      SideFile(path.split(separator: "/").last.map(String.init) ?? path, try File.contents(of: path))
    }
    var content = Content(.checkpoint, facts: folder.config, files: files)
    content.tensors = folder.entries.map(TensorEntry.init)
    return content
  }

  // MARK: The pin

  /// The one file that a digest pins, and the digest.
  private func pinnedFile(of folder: ModelFolder) throws -> (file: String, digest: String)? {
    guard let sha256 else { return nil }
    let digest = sha256.lowercased()
    guard digest.utf8.count == 64, digest.allSatisfy(\.isHexDigit) else {
      throw OperationError(
        .step, "`sha256` of `checkpoint` is no SHA-256: it has \(sha256.count) characters, not 64 hexadecimal digits")
    }
    let shards = folder.files.filter { $0.hasSuffix(".safetensors") }
    guard shards.count == 1 else {
      throw OperationError(
        .step, "`sha256` pins one file, and `\(path.path)` has its tensors in \(shards.count)",
        helps: ["leave it out: the content of every file is part of the run's key anyway"])
    }
    return (shards[0], digest)
  }

  private func check(_ path: String, is digest: String, _ context: Context) throws {
    let file = try File(path)
    var hasher = SHA256()
    let size = 4 << 20
    for start in stride(from: 0, to: file.stamp.size, by: size) {
      try context.checkCancelled()
      let bytes = try file.read(at: start, count: min(size, file.stamp.size - start))
      bytes.withUnsafeBytes { hasher.update($0) }
      context.progress(start + bytes.count, of: file.stamp.size, "bytes")
    }
    try file.checkUnchanged(since: file.stamp)
    let found = hasher.finalize()
    guard found == digest else {
      throw OperationError(
        .data, "`\(path)` is not the file that the recipe pins",
        notes: ["its SHA-256 is \(found)", "pinned is   \(digest)"])
    }
  }
}
