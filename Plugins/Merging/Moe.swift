import Diagnostics
import Formats
import Operations
import Tensors

/// A mixture of experts made of dense models (sparse upcycling, Komatsuzaki et al. 2022; what `mergekit-moe` builds).
struct Moe: RecipeOperation {
  static let about = About(
    "moe",
    "Make a mixture-of-experts model of dense models' feed-forward layers.",
    discussion: """
      Attention, norms and embeddings are the base's; the feed-forward part of each layer becomes one expert for each \
      model, and a router sends every token to `per_token` of them, weighted by the softmax of their scores. Experts are \
      whole models of the base's own shapes. Llama and Mistral make a Mixtral, Qwen3 a Qwen3-MoE, and with a `shared` \
      expert, through which every token goes as well, Llama, Mistral and Qwen2 make a Qwen2-MoE. Tensors are called as \
      `transformers` calls them, and the dense type's defaults are written out where the other type has others.

      `gate` says how routers begin. At random they know nothing of the experts until they are trained; from `prompts` a \
      token scores high for an expert where what the base has made of it points the way it does for that expert's prompts. Each \
      row is the mean over an expert's prompts of what goes into the layer at the last token, less the mean over its \
      negative ones, and has length 1. Prompts are read as they are, by the base's `tokenizer.json`, with its \
      `bos_token` before and nothing behind them: a chat template's text is the prompt's to write. The base runs in \
      float32, one layer in memory at a time, where mergekit runs it in bfloat16. Into the first layer go plain embeddings, so \
      experts whose prompts end alike begin alike there; the curve `condition` shows how alike the rows of each layer are, and \
      mergekit warns above 5.

      With as many experts as `per_token`, or experts that are all the same, the router chooses nothing. A shared expert \
      counts by a gate of its own, one half of it where that is `.zero`; `passthrough` with `scale: match tensor { "*.mlp.down_proj.weight" => 0.1, _ => 1 }` \
      makes it smaller first, mergekit's `residual_scale`.
      """,
    papers: [
      .init("Komatsuzaki et al. 2022, Sparse Upcycling", arXiv: "2212.05055"),
      .init("Jiang et al. 2024, Mixtral of Experts", arXiv: "2401.04088"),
    ],
    cost:
      "O(tensors), and the routers' entries; no other tensor is read, but where there is `noise`, and the base's where it runs on `prompts`",
    examples: [
      Example(
        "A Mixtral of two fine-tunes",
        "moe(base: checkpoint(\"models/mistral\"), experts: [checkpoint(\"models/math\"), checkpoint(\"models/code\")])"
      ),
      Example(
        "A Qwen2-MoE whose shared expert is the base",
        """
        moe(base: checkpoint("models/mistral"), experts: [checkpoint("models/math")], \
        shared: checkpoint("models/mistral"), per_token: 1, gate: .uniform)
        """),
      Example(
        "Routers that begin from prompts",
        """
        moe(base: checkpoint("models/mistral"), experts: [checkpoint("models/math"), checkpoint("models/code")], \
        gate: .hidden, prompts: [["Solve for x: 3x + 2 = 11"], ["Write a function that", "What does this code do?"]], \
        negative_prompts: [[], ["Tell me a story"]])
        """),
    ])

  /// 2: routers may begin from prompts.
  static let version = 2

  @Input("The model that everything but the experts is taken from.")
  var base: Checkpoint
  @Input("The models whose feed-forward layers become the experts.", count: 1...)
  var experts: [Checkpoint]
  @Input("The model whose feed-forward layers become the expert that every token goes through.")
  var shared: Checkpoint?
  @Param("What kind of model is made; by default the one that fits the base.")
  var architecture: MoeArchitecture? = nil
  @Param("How many experts each token goes to.", in: 1...1_000)
  var perToken: Int = 2
  @Param("How the routers begin.")
  var gate: Gate = .random
  @Param("What the routers' first entries are multiplied by.", in: 0...1_000)
  var scale: Double = 1
  @Param("Deviation of the normal noise that is added to an expert's entries; one, or a list with one for each.")
  var noise: PerModel<Layered<Double>> = 0
  @Param("Another seed begins with other routers and noise.")
  var seed: Int = 0
  @Include var prompts: RouterPrompts

  /// How routers begin.
  enum Gate: String, Choice {
    case random, uniform, zero, hidden
    case hiddenMean = "hidden_mean"
    case embedding

    var readsPrompts: Bool { [.hidden, .hiddenMean, .embedding].contains(self) }

    var text: String {
      switch self {
      case .random: "From the standard normal distribution; mergekit's `random`."
      case .uniform: "Evenly from −1/√n to 1/√n for n inputs, as `torch.nn.Linear` begins; mergekit's `uniform_random`."
      case .zero: "At zero: all experts score the same, so the first ones are taken, in equal parts."
      case .hidden: "From what goes into the layer at the last token of `prompts`; mergekit's `hidden`, its default."
      case .hiddenMean:
        "From the mean of that over all tokens; mergekit's `hidden_avg`, which counts padding where prompts are of unequal length."
      case .embedding:
        "From the sum of the embeddings of all tokens of `prompts`, in all layers the same; mergekit's `cheap_embed`."
      }
    }
  }

  func outline() throws -> Content? { try assembled().foreseen }

  /// Where there is noise, a tensor as it is stored and with the noise, once the base has run where there are prompts; else only
  /// routers are made, which are small.
  func memory() -> Int {
    let running = (try? promptRouters())?.memory() ?? 0
    guard isNoisy else { return running }
    let largest = experts[0].content.tensors.map { $0.shape.count }.max() ?? 0
    return max(running, (16 << 20) + largest * 16)
  }

  func run(_ context: Context) throws -> Checkpoint { Checkpoint(try assembled(context)) }

  private var isNoisy: Bool {
    noise.values(for: experts.count).contains { $0.value.leaves.contains { $0 != .number(0) } }
  }

  // MARK: The parts

  private func assembled(_ context: Context? = nil) throws -> Content {
    let (architecture, dense) = try checked()
    let fromPrompts = try promptRouters()
    if let fromPrompts, dense.layers != Array(0..<fromPrompts.layers) {
      throw OperationError(
        .data,
        "`\(base.label)` has \(dense.layers.count) layers, and its configuration asks for \(fromPrompts.layers)")
    }
    let rows = try context.flatMap { try fromPrompts?.rows($0) }
    var tensors = base.content.tensors.filter { !DenseFeedForward.isPart($0.name) }
    tensors += architecture.missingBiases(of: base.content)
    for (number, (model, noise)) in zip(experts, noise.values(for: experts.count)).enumerated() {
      for (entry, name) in zip(model.content.tensors, TensorName.all(model.content)) {
        guard let place = DenseFeedForward.place(of: entry.name) else { continue }
        let made = noise(name) == 0 ? entry : noisy(entry, of: model, noise(name), number, context)
        tensors.append(made.renamed(architecture.name(of: place, inExpert: number)))
      }
    }
    for entry in shared?.content.tensors ?? [] {
      guard let place = DenseFeedForward.place(of: entry.name) else { continue }
      tensors.append(entry.renamed(architecture.name(of: place, inExpert: nil)))
    }
    for layer in dense.layers {
      func add(_ name: String, _ numbers: Range<Int>) {
        let rows = rows.map { Array($0[layer][numbers]) }
        tensors.append(router(name, [numbers.count, dense.inputs], dense.dtype, rows, context))
      }
      add(architecture.router(ofLayer: layer), 0..<experts.count)
      if shared != nil { add(architecture.sharedGate(ofLayer: layer), experts.count..<experts.count + 1) }
    }
    var result = base.content
    result.tensors = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    result.facts = architecture.config(of: base.content, dense, experts: experts.count, perToken: perToken)
    return result
  }

  /// Nil where routers begin without prompts.
  private func promptRouters() throws -> PromptRouters? {
    guard gate.readsPrompts else {
      try prompts.checkNone(for: gate)
      return nil
    }
    return try PromptRouters(prompts.experts(experts.count, hasShared: shared != nil), gate, of: base)
  }

  /// - Parameter rows: What it begins with, where that comes from prompts.
  private func router(
    _ name: String, _ shape: Shape, _ dtype: DType, _ rows: [[Double]]?, _ context: Context?
  ) -> TensorEntry {
    TensorEntry(name, dtype: dtype, shape: shape) {
      try context?.checkCancelled()
      if let rows { return Tensor(rows.joined().map { Float(scale * $0) }, shape: shape).converted(to: dtype) }
      var generator = Generator(seed: seed, stream: "moe", name)
      let bound = 1 / Double(shape[1]).squareRoot()
      let made = Tensor(shape: shape) { entries in
        for index in entries.indices {
          let entry =
            switch gate {
            case .random: generator.gaussian()
            case .uniform: (2 * generator.uniform() - 1) * bound
            case .zero, .hidden, .hiddenMean, .embedding: 0.0
            }
          entries[index] = Float(scale * entry)
        }
      }
      return made.converted(to: dtype)
    }
  }

  private func noisy(
    _ entry: TensorEntry, of model: Checkpoint, _ noise: Double, _ expert: Int, _ context: Context?
  ) -> TensorEntry {
    TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape) {
      try context?.checkCancelled()
      var generator = Generator(seed: seed, stream: "moe", "noise", "\(expert)", entry.name)
      let start = try model.content.finiteTensor(entry.name)
      let made = Tensor(shape: entry.shape) { entries in
        start.copyFloats(0..<start.count, to: entries)
        for index in entries.indices { entries[index] = Float(Double(entries[index]) + noise * generator.gaussian()) }
      }
      return made.converted(to: entry.dtype)
    }
  }

  // MARK: Checks

  /// The architecture, and what becomes experts in it, once all models are known to fit.
  private func checked() throws -> (MoeArchitecture, DenseFeedForward) {
    try noise.checkCount(as: experts, "noise", of: "moe")
    let type = base.config["model_type"]?.string ?? "nothing"
    let all = MoeArchitecture.allCases.filter { $0.denseTypes.contains(type) }
    guard let fitting = all.first(where: { $0.hasSharedExpert == (shared != nil) }) ?? all.first else {
      throw OperationError(
        .data, "`\(base.label)` is of type `\(type)`, of which no mixture of experts is made",
        helps: ["these are: `llama`, `mistral`, `qwen2`, `qwen3`"])
    }
    let chosen = architecture ?? fitting
    guard all.contains(chosen) else {
      throw OperationError(.step, "no `\(chosen.rawValue)` is made of models of type `\(type)`")
    }
    guard chosen.hasSharedExpert == (shared != nil) else {
      throw OperationError(
        .step,
        "a `\(chosen.rawValue)` has \(shared == nil ? "a" : "no") shared expert, and `moe` is given "
          + (shared == nil ? "none" : "one"),
        helps: [shared == nil ? "`shared` is the model that it is taken from" : "leave `shared` out"])
    }
    guard perToken <= experts.count else {
      throw OperationError(
        .step,
        "each token goes to \(perToken) experts, and there \(experts.count == 1 ? "is 1" : "are \(experts.count)")",
        helps: ["`per_token` of `moe` is at most the number of experts"])
    }
    try chosen.checkAttention(of: base)
    let dense = try DenseFeedForward(of: base)
    for expert in experts + [shared].compactMap({ $0 }) {
      guard expert.config["model_type"]?.string == type else {
        throw OperationError(
          .data,
          "`\(expert.label)` is of type `\(expert.config["model_type"]?.string ?? "nothing")`, `\(base.label)` "
            + "of type `\(type)`", helps: ["experts are made of models of one type"])
      }
      try base.content.checkSameTensors(as: expert.content, where: DenseFeedForward.isPart)
    }
    return (chosen, dense)
  }
}
