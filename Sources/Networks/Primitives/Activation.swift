import CKernels
import Foundation
import Tensors

/// A function of each entry.
enum Activation: Primitive {
  /// x Φ(x) (Hendrycks and Gimpel 2016).
  case gelu
  /// GELU through the hyperbolic tangent, as GPT-2 and Gemma have it.
  case geluTanh
  /// x σ(1.702 x).
  case quickGELU
  /// x σ(x), also called swish.
  case silu
  case relu
  case tanh
  case sigmoid

  /// By the name that `transformers` has for it (`hidden_act`, `activation_function`).
  init?(named name: String) {
    switch name {
    case "gelu", "gelu_python": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate": self = .geluTanh
    case "quick_gelu": self = .quickGELU
    case "silu", "swish": self = .silu
    case "relu": self = .relu
    case "tanh": self = .tanh
    case "sigmoid": self = .sigmoid
    default: return nil
    }
  }

  static let names = ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "tanh", "sigmoid"]

  var kernel: KernelActivation {
    switch self {
    case .gelu: KernelGELU
    case .geluTanh: KernelGELUTanh
    case .quickGELU: KernelGELUQuick
    case .silu: KernelSiLU
    case .relu: KernelReLU
    case .tanh: KernelTanh
    case .sigmoid: KernelSigmoid
    }
  }

  func shape(of inputs: [Shape]) -> Shape { inputs[0] }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let x = inputs[0].floats
    Parallel.ranges(x.count, cost: 8) { range in
      kernel_activate(kernel, x.base + range.lowerBound, output.floats.base + range.lowerBound, range.count)
    }
  }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    guard let target = targets[0] else { return }
    let (x, gradient) = (step.inputs[0].floats, step.gradient.floats)
    Parallel.ranges(x.count, cost: 12) { range in
      let start = range.lowerBound
      kernel_activate_gradient(
        kernel, x.base + start, gradient.base + start, target.floats.base + start, range.count)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    PlainTensor(shape: inputs[0].shape, entries: inputs[0].entries.map(value))
  }

  /// Of one number, in float64.
  func value(_ x: Double) -> Double {
    switch self {
    case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case .geluTanh: 0.5 * x * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .quickGELU: x / (1 + exp(-1.702 * x))
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    case .tanh: Foundation.tanh(x)
    case .sigmoid: 1 / (1 + exp(-x))
    }
  }
}

/// a(x) · y: the gated linear unit of Shazeer 2020 (SwiGLU, GeGLU). Inputs: x and y of one shape.
struct Gate: Primitive {
  let activation: Activation

  func shape(of inputs: [Shape]) -> Shape {
    precondition(inputs[0] == inputs[1], "a gate's halves are \(inputs[0]) and \(inputs[1])")
    return inputs[0]
  }

  func forward(_ inputs: [Operand], into output: Operand, scratch: Floats) {
    let (x, y) = (inputs[0].floats, inputs[1].floats)
    Parallel.ranges(x.count, cost: 8) { range in
      let start = range.lowerBound
      kernel_gate(activation.kernel, x.base + start, y.base + start, output.floats.base + start, range.count)
    }
  }

  /// Room for the half that nobody asks for.
  func scratch(for inputs: [Shape]) -> Int { inputs[0].count }

  func backward(_ step: BackwardStep, into targets: [GradientTarget?]) {
    let (x, y, gradient) = (step.inputs[0].floats, step.inputs[1].floats, step.gradient.floats)
    let (first, second) = (targets[0]?.floats ?? step.scratch, targets[1]?.floats ?? step.scratch)
    Parallel.ranges(x.count, cost: 16) { range in
      let start = range.lowerBound
      kernel_gate_gradient(
        activation.kernel, x.base + start, y.base + start, gradient.base + start, first.base + start,
        second.base + start, range.count)
    }
  }

  func reference(_ inputs: [PlainTensor]) -> PlainTensor {
    PlainTensor(
      shape: inputs[0].shape, entries: zip(inputs[0].entries, inputs[1].entries).map { activation.value($0) * $1 })
  }
}
