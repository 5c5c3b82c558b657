import Formats
import Networks
import Operations
import Tensors

/// An adapter in the making.
public struct NewAdapter: Sendable {
  private let type: any AdapterKind.Type
  private let base: Content?
  private let fields: [JSON.Member]
  private var tensors: [TensorEntry] = []
  private var paths: [String] = []
  /// The embeddings of the base, by their paths, where it is a network that is known.
  private lazy var embeddings: Set<String> = {
    let blueprint = base.flatMap { try? Blueprint(config: $0.facts, tensors: $0.shapes, of: $0.label) }
    return Set((blueprint?.embeddings ?? []).map { String($0.weight.dropLast(".weight".count)) })
  }()

  /// - Parameters:
  ///   - base: What it is for, whose configuration names it.
  ///   - fields: The configuration's own fields of the kind.
  public init(_ type: any AdapterKind.Type, for base: Content?, fields: [JSON.Member]) {
    (self.type, self.base, self.fields) = (type, base, fields)
  }

  /// Factors of an embedding's weight (rows, width) go by the names that PEFT has for them, and turned: what is B (rows, r) of a layer
  /// is the transpose of its A.
  public mutating func add(_ part: String, of path: String, _ entry: TensorEntry) {
    precondition(type.parts.contains { $0.name == part }, "\(type.type) has no part \(part)")
    if !paths.contains(path) { paths.append(path) }
    let start = AdapterReading.prefix + path + "."
    if let other = Self.partsOfEmbeddings[part], isEmbedding(path) {
      tensors.append(entry.turned(start + other))
    } else {
      tensors.append(entry.renamed(start + part))
    }
  }

  private static let partsOfEmbeddings = ["lora_A.weight": "lora_embedding_B", "lora_B.weight": "lora_embedding_A"]

  /// Whether a module of the base is an embedding, which only its network tells.
  private mutating func isEmbedding(_ path: String) -> Bool {
    let last = path.split(separator: ".").last ?? ""
    // To look at the network takes longer than most parts do.
    return (last.contains("emb") || last == "wte" || last == "wpe") && embeddings.contains(path)
  }

  /// A factor of a layer as it is kept under a name that `add` gave it.
  public static func stored(_ factor: Tensor, as name: String) -> Tensor {
    partsOfEmbeddings.values.contains { name.hasSuffix("." + $0) } ? factor.turned : factor
  }

  /// Factors of low rank: B (out, r) and A (r, in), each entry rounded to float32.
  public mutating func add(factors: (b: DoubleMatrix, a: DoubleMatrix), of path: String, isEmbedding: Bool = false) {
    let names = isEmbedding ? ["lora_embedding_A", "lora_embedding_B"] : ["lora_A.weight", "lora_B.weight"]
    for (name, matrix) in zip(names, [factors.a, factors.b]) { add(name, of: path, TensorEntry(name, Tensor(matrix))) }
  }

  /// What of our own the configuration says, under a name that PEFT passes over.
  /// - Parameter facts: What is worth knowing, such as a number for each module.
  public static func origin(_ operation: String, _ facts: [String: JSON] = [:]) -> JSON.Member {
    let members = facts.sorted { $0.key < $1.key }.map { JSON.Member($0.key, $0.value) }
    return .init("mergekit", .object([.init("made_by", .string(operation))] + members))
  }

  public var content: Content {
    var members: [JSON.Member] = [
      .init("peft_type", .string(type.type)), .init("task_type", Self.task(of: base)),
      .init("base_model_name_or_path", base?.facts["_name_or_path"] ?? .null), .init("inference_mode", true),
      .init("target_modules", .array(paths.map(JSON.string))),
    ]
    members.removeAll { member in fields.contains { $0.name == member.name } }
    members = (members + fields).sorted { $0.name < $1.name }
    return Content(.adapter, facts: .object(members), tensors: tensors)
  }

  /// What PEFT calls the task of a model that writes text. Of one that tells texts apart PEFT would ask for its head as well.
  private static func task(of base: Content?) -> JSON {
    let tasks = [
      ("ForCausalLM", "CAUSAL_LM"), ("LMHeadModel", "CAUSAL_LM"), ("ForConditionalGeneration", "SEQ_2_SEQ_LM"),
    ]
    let name = base?.facts["architectures"]?.array?.first?.string ?? ""
    return tasks.first { name.hasSuffix($0.0) }.map { .string($0.1) } ?? .null
  }
}

extension TensorEntry {
  /// A matrix of other rows and columns, by another name.
  fileprivate func turned(_ name: String) -> TensorEntry {
    TensorEntry(name, dtype: dtype, shape: [shape[1], shape[0]]) { try load().turned }
  }
}

extension Tensor {
  /// A matrix with rows for columns.
  fileprivate var turned: Tensor { Tensor(DoubleMatrix(self).transposed) }

  /// The entries of a matrix, each rounded to float32.
  public init(_ matrix: DoubleMatrix) {
    self.init(matrix.entries.map { Float($0) }, shape: [matrix.rows, matrix.columns])
  }
}

extension LoRA {
  /// The configuration of an adapter of low rank.
  /// - Parameters:
  ///   - ranks: Of each module; the commonest becomes `r`, and the others are in `rank_pattern`.
  ///   - alpha: Of a module of a rank.
  public static func fields(
    ranks: [(path: String, rank: Int)], isRankStabilised: Bool = false, isTransposed: Bool = false,
    alpha: (Int) -> Double
  ) -> [JSON.Member] {
    let counts = Dictionary(ranks.map { ($0.rank, 1) }, uniquingKeysWith: +)
    let common = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? 1
    let others = ranks.filter { $0.rank != common }
    func number(_ value: Double) -> JSON {
      value == value.rounded() && abs(value) < 1e9 ? .integer(Int(value)) : .number(value)
    }
    return [
      .init("r", .integer(common)), .init("lora_alpha", number(alpha(common))), .init("lora_dropout", 0),
      .init("rank_pattern", .object(others.map { .init($0.path, .integer($0.rank)) })),
      .init(
        "alpha_pattern",
        .object(others.filter { alpha($0.rank) != alpha(common) }.map { .init($0.path, number(alpha($0.rank))) })),
      .init("use_rslora", .bool(isRankStabilised)), .init("use_dora", false), .init("bias", "none"),
      .init("fan_in_fan_out", .bool(isTransposed)), .init("init_lora_weights", true), .init("modules_to_save", .null),
    ]
  }
}
