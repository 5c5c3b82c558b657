import Operations

/// Operations with the slots of the real ones, so that the language is tested without any plugin. None is ever run.
protocol Unrun: RecipeOperation {}

extension Unrun {
  func run(_ context: Context) throws -> Output { Output(Content(Output.kind)) }
}

struct Adapter: Artifact, InputValue {
  static let kind = ArtifactKind.adapter
  let content: Content
  init(_ content: Content) { self.content = content }
}

enum Split: String, Choice {
  case train, validation, test
  var text: String { "The \(rawValue) part." }
}

enum Consensus: String, Choice {
  case mass, count
  var text: String { "By \(rawValue)." }
}

enum Report: String, Choice {
  case accuracy, loss
  var text: String { "The \(rawValue)." }
}

struct CheckpointOperation: Unrun {
  typealias Output = Checkpoint
  static let about = About("checkpoint", "Read a model.")
  @Param("The model's folder.") var path: SourcePath
  @Param("The digest that its file must have.") var sha256: String? = nil
}

struct DatasetOperation: Unrun {
  typealias Output = Dataset
  static let about = About("dataset", "Read examples.")
  @Param("The file.") var path: SourcePath
  @Param("The part.") var split: Split = .train
  @Param("How many at most.", in: 1..., unit: .examples) var limit: Int? = nil
}

struct FisherOperation: Unrun {
  typealias Output = Fisher
  static let about = About("fisher", "Estimate.")
  @Input("The model.") var model: Checkpoint
  @Input("The examples.") var data: Dataset
  @Param("How many examples.", in: 1..., unit: .examples) var samples: Int = 4096
}

struct FisherMergeOperation: Unrun {
  typealias Output = Checkpoint
  static let about = About("fisher_merge", "Merge.")
  @Input("The models.") var models: [Checkpoint]
  @Input("Their Fishers.") var fishers: [Fisher]
  @Param("How much each counts.", in: 0...) var weights: [Double] = []
}

struct TiesOperation: Unrun {
  typealias Output = Checkpoint
  static let about = About("ties", "Merge.")
  @Input("The base.") var base: Checkpoint
  @Input("The fine-tuned models to merge.") var models: [Checkpoint]
  @Param("How much each counts.") var weights: [Layered<Double>] = []
  @Param("What is kept.", in: 0...1) var density: PerModel<Layered<Fraction>> = 0.2
  @Param("How signs are elected.") var consensus: Consensus = .mass
  @Param("The factor of the sum.") var scale: Layered<Double> = 1
}

struct AverageOperation: Unrun {
  typealias Output = Checkpoint
  static let about = About("average", "Average.")
  @Input("The models.", count: 2...) var models: [Checkpoint]
}

struct EvaluateOperation: Unrun {
  typealias Output = Metrics
  static let about = About("evaluate", "Measure.")
  static let fields = [Field("accuracy", "The share that is right."), Field("loss", "In nats.")]
  @Input("The model.") var model: Checkpoint
  @Input("The examples.") var data: Dataset
  @Param("What is reported.") var report: [Report] = [.accuracy, .loss]
}

struct EvaOperation: Unrun {
  typealias Output = Adapter
  static let about = About("eva", "Start an adapter.")
  @Input("The base.") var base: Checkpoint
  @Input("The examples.") var data: Dataset
  @Param("The rank.", in: 1...) var rank: Int = 16
  @Param("The share that must agree.") var converged: Fraction = 0.99
  @Param("Which tensors.") var targets: [String] = []
}

struct SubtractOperation: Unrun {
  typealias Output = Delta
  static let about = About("subtract", "Subtract.")
  @Input("The one.") var a: Checkpoint
  @Input("The other.") var b: Checkpoint
}

struct AddOperation: Unrun {
  typealias Output = Checkpoint
  static let about = About("add", "Add.")
  @Input("The base.") var base: Checkpoint
  @Input("What is added.") var delta: Delta
}

struct ScaleOperation: Unrun {
  typealias Output = Delta
  static let about = About("scale", "Scale.")
  @Input("What is scaled.") var delta: Delta
  @Param("The factor.") var by: Double
}

struct TotalOperation: Unrun {
  typealias Output = Delta
  static let about = About("total", "Sum.")
  @Input("What is summed.") var deltas: [Delta]
}

enum Precision: String, Choice {
  case bf16, f32
  var text: String { "As \(rawValue)." }
}

struct SafetensorsTestFormat: ExportFormat {
  static let about = About("safetensors", "Write.")
  static let accepts: [ArtifactKind] = [.checkpoint]
  static let acceptsLists = false
  static let makesFolder = true
  @Param("The dtype.") var precision: Precision? = nil
  @Param("Bytes of a file.") var shard: ByteCount = .gibibytes(5)
  func write(_ contents: [Content], isList: Bool, to path: String) throws {}
}

extension Catalog {
  static let test = Catalog([
    Plugin(
      "Test", "For tests.",
      operations: [
        CheckpointOperation.self, DatasetOperation.self, FisherOperation.self, FisherMergeOperation.self,
        TiesOperation.self, AverageOperation.self, EvaluateOperation.self, EvaOperation.self, SubtractOperation.self,
        AddOperation.self, ScaleOperation.self, TotalOperation.self,
      ], formats: [SafetensorsTestFormat.self])
  ])
}
