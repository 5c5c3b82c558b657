import Adapters
import Diagnostics
import Formats
import Operations
import Tensors

/// Merging of LoRA adapters in the space that their factors span (Panariello et al. 2025, Core Space).
///
/// What is merged are small matrices; nothing is lost on the way there, and the result is an adapter again.
struct CoreSpace: RecipeOperation {
  static let about = About(
    "core_space",
    "Merge LoRA adapters of one model in the space that they share.",
    discussion: """
      For each module that adapters change by sₖ Bₖ Aₖ, V has the right singular vectors of all Aₖ under one another, U the \
      left ones of all sₖ Bₖ beside one another. In their space each adapter is the small matrix Mₖ = Uᵀ sₖ Bₖ Aₖ V, without \
      loss. The Mₖ are merged to M, and the new adapter has B = λ U M and A = Vᵀ, so its rank is the sum of the ranks and \
      its scaling 1. An adapter that does not change a module counts as zeros there. `attach` folds the result into the \
      model.

      The authors search λ on held-out data; their TIES keeps a tenth. Adapters with biases, magnitudes (DoRA) or modules \
      that were saved whole are refused: they are more than products. Singular vectors of rounding alone are left out.
      """,
    papers: [
      .init("Panariello et al. 2025, Accurate and Efficient Low-Rank Model Merging in Core Space", arXiv: "2509.17786")
    ],
    cost: "O(entries of the factors × sum of ranks) for each module; a few modules in memory, in float64",
    examples: [
      Example(
        "The sum of two adapters",
        "core_space([adapter(\"models/adapter\"), adapter(\"models/adapter\")], method: .task_arithmetic)"),
      Example(
        "A fifth of each, merged by TIES",
        "core_space([adapter(\"models/adapter\"), adapter(\"models/adapter\")], method: .ties, density: 20%)"),
    ])

  @Input("The adapters, all of one model.", count: 1...)
  var adapters: [Adapter]
  @Param("How the small matrices are merged.")
  var method: Method = .tsvM
  @Param("How much each adapter counts; one for each, in order. Each counts 1 by default.")
  var weights: [Layered<Double>] = []
  @Param("Share of each small matrix that `.ties` keeps, largest first.")
  var density: Layered<Fraction> = 0.1
  @Param("Whether all directions of what was merged are then made to count the same, as `iso_c` does.")
  var isotropic: Bool = false
  @Param("What the merged change is multiplied by, λ.")
  var scale: Layered<Double> = 1

  /// How the small matrices are merged.
  enum Method: String, Choice {
    case taskArithmetic = "task_arithmetic"
    case average, ties
    case tsvM = "tsv_m"

    var text: String {
      switch self {
      case .taskArithmetic: "Their sum: the merged change is the sum of all changes."
      case .average: "Their mean."
      case .ties: "The largest of each, signs elected by their sum, and the mean of those that agree; as in `knots`."
      case .tsvM: "The strongest directions of each, made independent of one another; as in `tsv_m`."
      }
    }
  }

  func outline() throws -> Content? {
    let modules = try modules()
    var outline = Content(.adapter, facts: try facts(modules))
    outline.tensors = modules.flatMap { module in
      [
        TensorEntry(foreseen: module.a, dtype: .f32, shape: [module.rank, module.inputs]),
        TensorEntry(foreseen: module.b, dtype: .f32, shape: [module.outputs, module.rank]),
      ]
    }
    return outline
  }

  func memory() -> Int { (try? modules()).map { MemoryRoom.memory($0.map(\.need)) } ?? 0 }

  func run(_ context: Context) throws -> Adapter {
    let modules = try modules()
    let room = MemoryRoom()
    var result = Content(.adapter, facts: try facts(modules))
    result.tensors = modules.flatMap { module in
      [
        (module.a, [module.rank, module.inputs], false), (module.b, [module.outputs, module.rank], true),
      ].map { name, shape, isB in
        TensorEntry(name, dtype: .f32, shape: Shape(shape)) {
          try room.with(module.need) {
            try context.checkCancelled()
            let factor = try isB ? left(module, context) : right(module).right
            return Tensor(factor.entries.map { Float($0) }, shape: Shape(shape))
          }
        }
      }
    }
    return Adapter(result)
  }

  // MARK: Modules

  /// A module that adapters change, and the factors of each that does.
  private struct Module {
    struct Factors {
      let a: String
      let b: String
      let scale: Double
    }

    /// The weight that it changes.
    let weight: TensorName
    /// What the factors are called in the result, as in the adapters.
    let a: String
    let b: String
    let inputs: Int
    let outputs: Int
    /// The sum of the ranks, as far as there are as many inputs.
    let rank: Int
    let isTransposed: Bool
    /// By adapter; nil where it does not change the module.
    let factors: [Factors?]

    /// The bytes held while it is worked on: factors and their vectors, and the small matrices.
    var need: Int {
      8 * (6 * rank * (inputs + outputs) + 2 * (factors.count + 3) * rank * rank)
        + SingularValues.byteCount(rows: rank, columns: inputs) + SingularValues.byteCount(rows: outputs, columns: rank)
    }
  }

  private func modules() throws -> [Module] {
    try weights.checkCount(as: adapters, "core_space")
    let changes = try adapters.map { adapter in
      let reading = try AdapterReading(adapter.content)
      // What was saved whole is no product, and no layer that says what it does.
      let whole = reading.whole.map { ($0.name, AdaptedLayer()) }
      return Dictionary(uniqueKeysWithValues: reading.layers.map { ($0.path + ".weight", $0.layer) } + whole)
    }
    let names = Set(changes.flatMap(\.keys)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    return try TensorName.all(names).map { name in try module(name, changes.map { $0[name.text] }) }
  }

  private func module(_ name: TensorName, _ changes: [AdaptedLayer?]) throws -> Module {
    var lead: (adapter: Adapter, a: TensorEntry, b: TensorEntry, isTransposed: Bool)?
    var rank = 0
    let factors = try zip(adapters, changes).map { adapter, change -> Module.Factors? in
      guard let change else { return nil }
      guard let (scale, second, first) = change.lowRank else {
        throw OperationError(
          .data, "`\(adapter.label)` changes `\(name)` by more than a product of two factors",
          helps: ["`core_space` merges LoRA adapters without biases, magnitudes and modules that were saved whole"])
      }
      if let lead {
        guard lead.a.shape[1] == first.shape[1], lead.b.shape[0] == second.shape[0] else {
          throw OperationError(
            .data,
            "`\(name)` is changed by \(lead.b.shape[0])×\(lead.a.shape[1]) in `\(lead.adapter.label)`, by "
              + "\(second.shape[0])×\(first.shape[1]) in `\(adapter.label)`",
            helps: ["only adapters of one model are merged"])
        }
        guard lead.a.name == first.name, lead.isTransposed == change.isTransposed else {
          throw OperationError(
            .data, "`\(lead.adapter.label)` and `\(adapter.label)` change `\(name)` in two ways",
            helps: ["one has it as an embedding and one as a layer, or only one has `fan_in_fan_out`"])
        }
      } else {
        lead = (adapter, first, second, change.isTransposed)
      }
      rank += first.shape[0]
      return Module.Factors(a: first.name, b: second.name, scale: scale)
    }
    guard let lead else { preconditionFailure("a module is listed because an adapter changes it") }
    let module = Module(
      weight: name, a: lead.a.name, b: lead.b.name, inputs: lead.a.shape[1], outputs: lead.b.shape[0],
      rank: min(rank, lead.a.shape[1]), isTransposed: lead.isTransposed, factors: factors)
    guard module.rank <= SingularValues.largestSide else {
      throw OperationError(
        .step, "the ranks of the adapters sum to \(rank) at `\(name)`, which is too large to decompose")
    }
    return module
  }

  // MARK: One module

  private func matrix(_ name: String, of adapter: Int) throws -> DoubleMatrix {
    DoubleMatrix(try adapters[adapter].content.finiteTensor(name))
  }

  /// The directions of the inputs that the adapters share: rows of unit length, or zeros.
  private func right(_ module: Module) throws -> SingularValues {
    let factors = try module.factors.enumerated().compactMap { index, factors in
      try factors.map { try matrix($0.a, of: index) }
    }
    return try decomposed(.stacked(factors), module.weight)
  }

  /// λ U M.
  private func left(_ module: Module, _ context: Context) throws -> DoubleMatrix {
    let right = try right(module).right
    let factors = try module.factors.enumerated().map { index, factors in
      try factors.map { (a: try matrix($0.a, of: index), b: $0.scale * (try matrix($0.b, of: index))) }
    }
    let left = try decomposed(.beside(factors.compactMap { $0?.b }), module.weight).left
    let cores = zip(factors, weights.shares(of: adapters.count, at: module.weight)).map { factors, weight in
      guard let factors else { return DoubleMatrix(zeros: left.columns, right.rows) }
      return weight
        * (DoubleMatrix.product(transposed: left, factors.b) * DoubleMatrix.product(factors.a, transposed: right))
    }
    let merged = try merged(cores, module.weight, TensorReader(context))
    return scale(module.weight) * (left * merged)
  }

  private func merged(_ cores: [DoubleMatrix], _ weight: TensorName, _ read: TensorReader) throws -> DoubleMatrix {
    let sum = { cores.dropFirst().reduce(cores[0], +) }
    let merged =
      switch method {
      case .taskArithmetic: sum()
      case .average: 1 / Double(cores.count) * sum()
      case .ties: DoubleMatrix.ties(cores, keeping: density(weight).share)
      case .tsvM: try TsvM().merged(cores, weight, read)
      }
    return isotropic ? try IsoC().merged([merged], weight, read) : merged
  }

  private func decomposed(_ matrix: DoubleMatrix, _ weight: TensorName) throws -> SingularValues {
    guard let found = SingularValues(matrix) else { throw OperationError.notDecomposed(weight, by: Self.about.name) }
    return found.withoutRounding
  }

  // MARK: Configuration

  /// The first adapter's configuration, with the ranks of the result and a scaling of 1 everywhere.
  private func facts(_ modules: [Module]) throws -> JSON {
    var facts = adapters[0].content.facts
    func set(_ name: String, _ value: JSON) { facts = facts.setting(name, to: value) }
    let rank = modules.map(\.rank).max() ?? 1
    let others = modules.filter { $0.rank != rank }.map { JSON.Member(path(of: $0), .integer($0.rank)) }
    set("r", .integer(rank))
    set("lora_alpha", .integer(rank))
    set("rank_pattern", .object(others))
    set("alpha_pattern", .object(others))
    set("use_rslora", false)
    let targets = adapters.map { $0.content.facts["target_modules"] }
    if targets.contains(where: { $0 == nil || $0 != targets[0] }) {
      set("target_modules", .array(modules.map { .string(path(of: $0)) }))
    }
    return facts
  }

  /// The path of a module as PEFT's patterns have it.
  private func path(of module: Module) -> String {
    let path = module.a.dropFirst(AdapterReading.prefix.count)
    return String(path.prefix(upTo: path.range(of: ".lora_")?.lowerBound ?? path.endIndex))
  }
}
