import Tensors

/// A network at work on one batch: the vocabulary that architectures are written in.
///
/// All weights are asked for by name, so what is trained, what adapters add, what is looked at on the way and what a network
/// consists of are each settled in one place.
public final class Pass {
  public let tape: Tape
  public let weights: Weights
  /// Whether blocks are worked out again in the backward pass instead of kept.
  let recomputes: Bool
  /// Is shown the input of every linear layer, (…, in), with the module's path.
  public var observer: ((_ path: String, _ input: Variable) -> Void)?

  private var begun = 0
  private var isInBlock = false
  /// The blocks that are run, where it is not all.
  var stretch: BlockStretch?
  /// What a decoder has read, where it goes on with texts token by token.
  var cache: KeyValueCache?

  public init(_ tape: Tape, _ weights: Weights, recomputes: Bool = false) {
    self.tape = tape
    self.weights = weights
    self.recomputes = recomputes
  }

  // MARK: Weights

  /// A parameter by its full name.
  public func parameter(_ name: String, _ shape: Shape) -> Variable {
    weights.noteUse(of: name, at: place)
    return weights.parameter(name, shape).value
  }

  func parameter(_ name: String, _ axes: Int...) -> Variable { parameter(name, Shape(axes)) }

  /// Numbers from outside, an example in each place of the first axis.
  public func constant(_ tensor: Tensor) -> Variable {
    let block = tape.memory.block(tensor.count)
    if !tape.memory.isDry {
      let target = UnsafeMutableBufferPointer(start: block.floats.base, count: tensor.count)
      tensor.copyFloats(0..<tensor.count, to: target)
    }
    return Variable(shape: tensor.shape, isBatched: true, block: block, slot: nil)
  }

  /// A linear layer: `path.weight` (out, in), and `path.bias`.
  ///
  /// - Parameters:
  ///   - tied: The full name of another tensor that is its weight.
  ///   - isTransposed: Whether the weight is kept as (in, out).
  public func linear(
    _ path: String, _ x: Variable, _ outputs: Int, bias: Bool = true, tied: String? = nil, isTransposed: Bool = false
  ) -> Variable {
    let inputs = x.shape.axes.last ?? 0
    observer?(path, x)
    func layer(_ x: Variable) -> Variable {
      let name = tied ?? path + ".weight"
      if isTransposed { weights.noteTransposed(name) }
      if let tied { weights.noteTied(path + ".weight", to: tied) }
      let weight = weight(of: path, name, isTransposed ? [inputs, outputs] : [outputs, inputs])
      return tape.apply(
        LinearLayer(isTransposed: isTransposed), [x, weight] + (bias ? [parameter(path + ".bias", outputs)] : []))
    }
    guard let change = weights.changes[path] else { return layer(x) }
    return change.output(self, x, layer: layer)
  }

  /// A module's weight, or what an adapter has put in its place.
  private func weight(of path: String, _ name: String, _ shape: Shape) -> Variable {
    let own = parameter(name, shape)
    return weights.substitutes[path].map { $0(self, own) } ?? own
  }

  /// A matrix with other rows in the place of some.
  public func replacingRows(_ places: [Int], of matrix: Variable, by rows: Variable) -> Variable {
    tape.apply(RowReplacement(places: places), [matrix, rows])
  }

  /// x Wᵀ for a weight that no module has: a factor of an adapter.
  public func product(_ x: Variable, _ weight: Variable, isTransposed: Bool = false) -> Variable {
    tape.apply(LinearLayer(isTransposed: isTransposed), [x, weight])
  }

  /// Rows of `path.weight` (count, width) by number: (examples, places, width).
  /// - Parameter padding: A row that is not trained.
  public func embedding(
    _ path: String, _ numbers: [Int], of examples: Int, count: Int, width: Int, padding: Int? = nil
  ) -> Variable {
    func lookup(_ table: Variable) -> Variable {
      tape.apply(Lookup(numbers, examples: examples, padding: padding), [table])
    }
    weights.noteEmbedding(path)
    let rows = lookup(weight(of: path, path + ".weight", [count, width]))
    return weights.lookups[path].map { $0.output(self, rows, lookup: lookup) } ?? rows
  }

  /// Layer norm with `path.weight` and `path.bias`.
  public func layerNorm(_ path: String, _ x: Variable, epsilon: Double) -> Variable {
    let width = x.shape.axes.last ?? 0
    return tape.apply(
      Norm(epsilon: epsilon, isCentred: true),
      [x, parameter(path + ".weight", width), parameter(path + ".bias", width)])
  }

  /// RMS norm with `path.weight`, to which `offset` is added.
  public func rmsNorm(_ path: String, _ x: Variable, epsilon: Double, offset: Float = 0) -> Variable {
    let weight = parameter(path + ".weight", x.shape.axes.last ?? 0)
    return tape.apply(Norm(epsilon: epsilon, isCentred: false, offset: offset), [x, weight])
  }

  /// A convolution of square windows: `path.weight` (outputs, channels, size, size), and `path.bias`.
  func convolution(
    _ path: String, _ x: Variable, _ outputs: Int, size: Int, stride: Int, padding: Int = 0, bias: Bool = true
  ) -> Variable {
    let weight = parameter(path + ".weight", outputs, x.shape[1], size, size)
    return tape.apply(
      Convolution(stride: stride, padding: padding), [x, weight] + (bias ? [parameter(path + ".bias", outputs)] : []))
  }

  /// Batch norm with `path.weight`, `path.bias`, and the statistics `path.running_mean` and `path.running_var`.
  func batchNorm(_ path: String, _ x: Variable, epsilon: Double = 1e-5) -> Variable {
    let parts = ["weight", "bias"].map { parameter("\(path).\($0)", x.shape[1]) }
    let statistics = ["running_mean", "running_var"].map { part in
      weights.noteFixed("\(path).\(part)")
      return parameter("\(path).\(part)", x.shape[1])
    }
    return tape.apply(BatchNorm(epsilon: epsilon), [x] + parts + statistics)
  }

  // MARK: Without weights

  /// a + b, of one shape.
  public func add(_ a: Variable, _ b: Variable) -> Variable { tape.add(a, b) }

  /// x + y, where y may be a parameter, or lack x's first axis.
  public func add(_ x: Variable, toEach y: Variable) -> Variable { tape.apply(Addition(), [x, y]) }

  public func multiply(_ x: Variable, _ y: Variable) -> Variable { tape.apply(Multiplication(), [x, y]) }

  public func scale(_ x: Variable, by factor: Double) -> Variable { tape.apply(Scaling(factor: Float(factor)), [x]) }

  /// cap · tanh(x / cap).
  func cap(_ x: Variable, at cap: Double) -> Variable { tape.apply(SoftCap(cap: Float(cap)), [x]) }

  /// Some of the columns of each row.
  func columns(_ x: Variable, _ range: Range<Int>) -> Variable { tape.apply(Columns(range: range), [x]) }

  /// A factor of a layer of skills that are mixed for a task.
  public func mix(
    _ bank: Variable, _ router: Variable, task: Int, isOuter: Bool, noise: [Double]
  ) -> Variable {
    tape.apply(SkillMixing(task: task, isOuter: isOuter, noise: noise), [bank, router])
  }

  /// One of the matrices that a tensor of three axes holds.
  public func slice(_ x: Variable, _ index: Int) -> Variable {
    let size = x.shape[1] * x.shape[2]
    return tape.apply(
      Picking(places: Array(index * size..<(index + 1) * size), result: [x.shape[1], x.shape[2]]), [x])
  }

  /// An axis of a tensor against all others, in their order.
  public func unfolding(_ x: Variable, axis: Int) -> Variable {
    let rows = x.shape[axis]
    let inner = x.shape.axes.dropFirst(axis + 1).reduce(1, *)
    let outer = x.shape.axes.prefix(axis).reduce(1, *)
    let places = (0..<rows).flatMap { row in
      (0..<outer).flatMap { block in (0..<inner).map { (block * rows + row) * inner + $0 } }
    }
    return tape.apply(Picking(places: places, result: [rows, outer * inner]), [x])
  }

  /// The square matrix with these numbers on its diagonal.
  public func diagonal(_ x: Variable) -> Variable {
    let size = x.shape.count
    let places = (0..<size * size).map { $0 % (size + 1) == 0 ? $0 / (size + 1) : nil }
    return tape.apply(Picking(places: places, result: [size, size]), [x])
  }

  /// a ⊗ b.
  public func kronecker(_ a: Variable, _ b: Variable) -> Variable { tape.apply(KroneckerProduct(), [a, b]) }

  /// What each row of a matrix is multiplied by to get the length that it is given; 1 for a row of zeros.
  public func factors(toLengths lengths: Variable, ofRows matrix: Variable) -> Variable {
    tape.apply(LengthFactors(), [lengths, matrix])
  }

  /// (examples, a, b) to (examples, b, a).
  func turn(_ x: Variable) -> Variable { tape.apply(Turning(), [x]) }

  /// A row before each example's places.
  func prefix(_ x: Variable, _ row: Variable) -> Variable { tape.apply(Prefixing(), [x, row]) }

  /// The largest entry of each window.
  func maximum(_ x: Variable, size: Int, stride: Int, padding: Int) -> Variable {
    tape.apply(MaxPooling(size: size, stride: stride, padding: padding), [x])
  }

  /// A weighted sum of each example's places.
  func pool(_ x: Variable, _ pooling: Pooling) -> Variable { tape.apply(pooling, [x]) }

  func activate(_ activation: Activation, _ x: Variable) -> Variable { tape.apply(activation, [x]) }

  /// activation(x) · y.
  func gate(_ activation: Activation, _ x: Variable, _ y: Variable) -> Variable {
    tape.apply(Gate(activation: activation), [x, y])
  }

  func attend(_ attention: Attention, _ queries: Variable, _ keys: Variable, _ values: Variable) -> Variable {
    tape.apply(attention, [queries, keys, values])
  }

  /// Attention of a decoder, which looks back at what was read before where that is kept.
  func attend(
    _ attention: Attention, at path: String, _ queries: Variable, _ keys: Variable, _ values: Variable,
    _ texts: TextBatch
  ) -> Variable {
    var attention = attention
    attention.first = texts.first
    let (keys, values) = cache?.extend(path, keys, values, texts) ?? (keys, values)
    return attend(attention, queries, keys, values)
  }

  func rotate(_ x: Variable, heads: Int, _ angles: RotaryAngles) -> Variable {
    tape.apply(Rotation(heads: heads, angles: angles), [x])
  }

  /// RMS norm of each head's part of (examples, places, heads · d) alone.
  func rmsNormOfHeads(_ path: String, _ x: Variable, heads: Int, epsilon: Double, offset: Float = 0) -> Variable {
    let parts = x.reshaped(Shape([x.shape[0], x.shape[1] * heads, x.shape[2] / heads]))
    return rmsNorm(path, parts, epsilon: epsilon, offset: offset).reshaped(x.shape)
  }

  /// How many blocks have begun.
  var blocks: Int { begun }

  /// Where the pass is.
  var place: BlockPlace { isInBlock ? .inside(begun - 1) : .between(begun) }

  /// A block of a network, of which only the input is kept where memory is short.
  public func block(_ x: Variable, _ body: @escaping (Variable) -> Variable) -> Variable {
    begun += 1
    if let other = stretch?.value(inPlaceOf: begun - 1, x) { return other }
    isInBlock = true
    let y = recomputes ? tape.recomputing(x, body) : body(x)
    isInBlock = false
    stretch?.note(y, of: begun - 1)
    return y
  }
}
