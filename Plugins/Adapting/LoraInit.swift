import Adapters
import Formats
import Operations
import Tensors

/// A new LoRA adapter that changes nothing yet: A random, B zero (Hu et al. 2021).
struct LoraInit: LowRankStart {
  enum Start: String, Choice {
    case kaiming, gaussian, orthogonal

    var text: String {
      switch self {
      case .kaiming: "A evenly from −1/√in to 1/√in: Kaiming's with a = √5, PEFT's default."
      case .gaussian: "A normal with a standard deviation of 1/r, PEFT's `gaussian`."
      case .orthogonal: "A with orthonormal rows, made of normal numbers."
      }
    }
  }

  static let about = About(
    "lora_init",
    "Begin a LoRA adapter that changes nothing yet: one factor random, the other zero.",
    discussion: """
      Each layer gets A (r, in) at random and B (out, r) of zeros, so W + s B A is W until it is trained; s = α/r, or α/√r \
      with `rslora`. Each tensor has a stream of random numbers of its own. With `dora` each output gets the length of its \
      row of W as a magnitude that is trained too; otherwise no weight is read.
      """,
    papers: [
      .init("Hu et al. 2021, LoRA", arXiv: "2106.09685"),
      .init("Kalajdzievski 2023, rsLoRA", arXiv: "2312.03732"),
      .init("Liu et al. 2024, DoRA", arXiv: "2402.09353"),
    ],
    cost: "O(rank × (inputs + outputs)) for each layer; no tensor is read",
    examples: [
      Example("For every linear layer", "lora_init(base, rank: 4)"),
      Example("Normal, for one layer", "lora_init(base, rank: 4, start: .gaussian, targets: [\"layers.0\"], seed: 1)"),
    ])

  /// 2: factors of embeddings go by PEFT's names for them.
  static let version = 2

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("Rank of each layer's change.", in: 1...65_536)
  var rank: Int
  @Include var chosen: TargetLayers
  @Param("What the change is multiplied by is this over the rank; the rank itself by default.", in: 0...)
  var alpha: Double? = nil
  @Param("Whether it is divided by the rank's root instead.")
  var rslora: Bool = false
  @Param("Whether the lengths of the weight's rows are trained apart from their directions, as DoRA does.")
  var dora: Bool = false
  @Param("What A is drawn from.")
  var start: Start = .kaiming
  @Param("Another seed gives other numbers.")
  var seed: Int = 0

  /// Without magnitudes nothing is read, and each tensor is made when it is asked for.
  func workspace(_ target: AdapterTarget) -> Int { dora ? 8 * target.shape.count * 2 : 0 }

  func shapes(_ target: AdapterTarget) -> [(part: String, shape: Shape)]? {
    factorShapes(target) + (dora ? [("lora_magnitude_vector", [target.outputs])] : [])
  }

  func fields(_ targets: [AdapterTarget], _ layers: [StartedLayer]) -> [JSON.Member] {
    factorFields(targets).map { $0.name == "use_dora" ? .init($0.name, .bool(dora)) : $0 }
  }

  func layer(_ target: AdapterTarget, _ context: Context) throws -> StartedLayer {
    var layer = try factorLayer(target)
    guard dora else { return layer }
    let weight = try matrix(target)
    let lengths = weight.rowProducts(with: weight).map { Float($0.squareRoot()) }
    layer.parts.append(("lora_magnitude_vector", Tensor(lengths, shape: [target.outputs])))
    return layer
  }

  func factors(_ target: AdapterTarget) throws -> (b: DoubleMatrix, a: DoubleMatrix) {
    var generator = Generator(seed: seed, stream: "lora_init", start.rawValue, target.path)
    let inputs = target.inputs
    var a = DoubleMatrix(zeros: rank, inputs)
    for row in 0..<rank {
      for column in 0..<inputs {
        a[row, column] =
          switch start {
          case .kaiming: (2 * generator.uniform() - 1) / Double(inputs).squareRoot()
          case .gaussian: generator.gaussian() / Double(rank)
          case .orthogonal: generator.gaussian()
          }
      }
    }
    if start == .orthogonal { a = OrthogonalTriangular(a.transposed).orthonormal.transposed }
    return (DoubleMatrix(zeros: target.outputs, rank), a)
  }
}
