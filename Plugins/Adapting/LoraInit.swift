import Adapters
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
      with `rslora`. No weight is read, and each tensor has a stream of random numbers of its own.
      """,
    papers: [
      .init("Hu et al. 2021, LoRA", arXiv: "2106.09685"),
      .init("Kalajdzievski 2023, rsLoRA", arXiv: "2312.03732"),
    ],
    cost: "O(rank × (inputs + outputs)) for each layer; no tensor is read",
    examples: [
      Example("For every linear layer", "lora_init(base, rank: 4)"),
      Example("Normal, for one layer", "lora_init(base, rank: 4, start: .gaussian, targets: [\"layers.0\"], seed: 1)"),
    ])

  @Input("The model that is to be adapted.")
  var base: Checkpoint
  @Param("Rank of each layer's change.", in: 1...65_536)
  var rank: Int
  @Param("Layers by the ends of their paths, or patterns with `*`; `all-linear` is every linear layer but the head.")
  var targets: [String] = [AdapterTarget.allLinear]
  @Param("What the change is multiplied by is this over the rank; the rank itself by default.", in: 0...)
  var alpha: Double? = nil
  @Param("Whether it is divided by the rank's root instead.")
  var rslora: Bool = false
  @Param("What A is drawn from.")
  var start: Start = .kaiming
  @Param("Another seed gives other numbers.")
  var seed: Int = 0

  /// Nothing is read, and each tensor is made when it is asked for.
  func workspace(_ target: AdapterTarget) -> Int { 0 }

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
