import Diagnostics
import Formats
import Operations
import Tensors

/// A folder that other programs read: `config.json` and `model.safetensors` for a model, `KIND.safetensors` and
/// `facts.json` for all else.
struct SafetensorsFormat: ExportFormat {
  static let about = About(
    "safetensors",
    "Write a folder of safetensors, as Hugging Face lays models out.",
    discussion: """
      A model becomes `config.json`, its tokenizer's files and `model.safetensors`, or shards joined by \
      `model.safetensors.index.json`; an adapter or an inventory `adapter_config.json` and \
      `adapter_model.safetensors`, as PEFT has them, with what only we know of it in `mergekit.json`. \
      Anything else becomes one safetensors file called after what it is, and \
      `facts.json`.

      Beside them lie the recipe as `recipe.rcp` and `mergekit.lineage.json`, which has every step that led there with its \
      settings and digests; a model or an adapter also gets a `README.md` that the Hugging Face Hub reads.
      """,
    examples: [Example("Half as large, in shards", "safetensors(precision: .bf16, shard: 2 GiB)")])

  static let accepts: [ArtifactKind] = [
    .checkpoint, .adapter, .inventory, .delta, .fisher, .statistics, .dataset,
  ]
  static let acceptsLists = false
  static let makesFolder = true

  @Param("What floats are rounded to; by default they stay as they are.")
  var precision: FloatPrecision? = nil
  @Param("The most bytes of tensors that a model's file holds.", in: 1...1e18)
  var shard: ByteCount = .gibibytes(5)

  func layout(_ content: Content) throws -> FolderLayout? {
    content.tensors.allSatisfy { dtype(of: $0) == $0.dtype } ? try folder(content) : nil
  }

  func write(_ contents: [Content], isList: Bool, to path: String) throws {
    for content in contents {
      let entries = Dictionary(uniqueKeysWithValues: content.tensors.map { ($0.name, $0) })
      try folder(content).write(to: path) { name in
        guard let entry = entries[name] else { preconditionFailure("`\(name)` is one of the tensors that are written") }
        return try rounded(entry)
      }
    }
  }

  private func folder(_ content: Content) throws -> FolderLayout {
    let tensors = content.tensors.map { entry in (name: entry.name, dtype: dtype(of: entry), shape: entry.shape) }
    let isAdapter = content.kind == .adapter || content.kind == .inventory
    guard content.kind == .checkpoint || isAdapter else {
      return FolderLayout(
        files: [("facts.json", Array(content.facts.pretty.utf8))],
        shards: [("\(content.kind.name).safetensors", SafetensorsLayout(tensors))])
    }
    // PEFT warns of members that it does not know, so what is ours stands in a file of its own.
    let ours = isAdapter ? content.facts["mergekit"].map { [("mergekit.json", Array($0.pretty.utf8))] } ?? [] : []
    let facts = isAdapter ? content.facts.removing("mergekit") : content.facts
    return try ModelFolder.layout(
      config: precision?.named(in: facts) ?? facts,
      files: content.files.map { ($0.name, $0.bytes) } + ours, tensors: tensors,
      shardSize: isAdapter ? .max : shard.bytes, layout: isAdapter ? .adapter : .model)
  }

  private func dtype(of entry: TensorEntry) -> DType {
    entry.dtype.isFloat ? precision?.dtype ?? entry.dtype : entry.dtype
  }

  private func rounded(_ entry: TensorEntry) throws -> Tensor {
    let tensor = try entry.load()
    let result = tensor.converted(to: dtype(of: entry))
    guard result.dtype != tensor.dtype, let index = result.firstNonFinite, tensor.firstNonFinite != index else {
      return result
    }
    throw OperationError(
      .step,
      "entry \(index) of `\(entry.name)` is \(tensor.doubles[index]), which \(result.dtype.rawValue) cannot hold",
      helps: ["`precision: .bf16` reaches as far as float32 does"])
  }
}
