import CKernels
import Tensors

/// Means of x xᵀ over the inputs of linear layers; layers with one input share one.
public struct InputGrams {
  private struct Sum {
    let width: Int
    var entries: [Double]
    /// Inputs, padding left out, that it is over: a layer behind a pooling sees one of each text.
    var rows = 0
  }

  private var sums: [Sum] = []
  /// Which of the sums a layer has.
  private var numbers: [String: Int] = [:]
  /// The input that was added last: queries, keys and values come one after the other.
  private var last: (block: Block, number: Int)?
  /// Inputs, padding left out, of the layer that had most.
  public var rows: Int { sums.map(\.rows).max() ?? 0 }

  public init() {}

  /// Adds the inputs of a layer, (…, in).
  public mutating func add(_ input: Variable, of path: String, _ batch: Batch) {
    guard let block = input.block else { preconditionFailure("an input is at hand while it is observed") }
    if let last, last.block === block {
      numbers[path] = last.number
      return
    }
    let width = input.shape.axes.last ?? 0
    let number = numbers[path] ?? sums.count
    if number == sums.count { sums.append(Sum(width: width, entries: [Double](repeating: 0, count: width * width))) }
    numbers[path] = number
    last = (block, number)
    let kept = input.rows(without: batch)
    sums[number].rows += kept.count / max(width, 1)
    add(kept, to: number)
  }

  public mutating func endBatch() { last = nil }

  /// The mean for a layer, (in, in); nil where it was never used.
  public func mean(of path: String) -> Tensor? {
    guard let number = numbers[path], sums[number].rows > 0 else { return nil }
    let sum = sums[number]
    return Tensor(sum.entries.map { Float($0 / Double(sum.rows)) }, shape: [sum.width, sum.width])
  }

  private mutating func add(_ entries: [Float], to number: Int) {
    let width = sums[number].width
    guard width > 0 else { return }
    let product = [Float](unsafeUninitializedCapacity: width * width) { buffer, initialized in
      entries.withUnsafeBufferPointer { entries in
        guard let result = buffer.baseAddress, let source = entries.baseAddress else { return }
        let x = MatrixView(UnsafeMutablePointer(mutating: source), stride: width)
        MatrixProduct(rows: width, columns: width, inner: entries.count / width)
          .inPieces(x.transposed, x, into: MatrixView(result, stride: width))
      }
      initialized = entries.isEmpty ? 0 : width * width
    }
    sums[number].entries.withUnsafeMutableBufferPointer { sums in
      guard let base = sums.baseAddress else { return }
      kernel_add_scaled(base, product, product.count, 1, 0)
    }
  }
}

extension Variable {
  /// The rows of a layer's input that are no padding of a batch's texts.
  public func rows(without batch: Batch) -> [Float] {
    guard case .texts(let texts) = batch, shape.rank == 3, texts.counts.contains(where: { $0 < texts.length }) else {
      return entries
    }
    let width = shape[2]
    return texts.counts.enumerated().flatMap { text, count in
      let start = text * texts.length * width
      return floats[start..<start + count * width].array
    }
  }

  /// Whether it is the same value, not only an equal one.
  public func isSame(as other: Variable) -> Bool { block != nil && block === other.block }
}
