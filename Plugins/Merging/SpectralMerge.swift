import Diagnostics
import Operations
import Tensors

/// A merge that looks at the singular vectors of the changes that training made to each matrix.
///
/// Tensors of other than two axes, and those that `exclude` names, become the base and `scale` times the mean change.
protocol SpectralMerge: TensorwiseOperation {
  var models: [Checkpoint] { get }
  var base: Checkpoint { get }
  var scale: Layered<Double> { get }
  var exclude: [String] { get }

  /// One matrix's merged change, of the same shape.
  /// - Parameter changes: Each model's; at least one, and not empty.
  func merged(_ changes: [DoubleMatrix], _ tensor: TensorName, _ read: TensorReader) throws -> DoubleMatrix

  /// The bytes that `merged` holds at its peak for changes of these sizes, beside them and with what it returns.
  func workspace(rows: Int, columns: Int) -> Int

  /// The lesser side of the largest matrix that is decomposed for changes of these sizes.
  func decomposedSide(rows: Int, columns: Int) -> Int
}

extension SpectralMerge {
  func decomposedSide(rows: Int, columns: Int) -> Int { min(rows, columns) }

  func check() throws {
    let tensors = base.content.tensors
    for pattern in exclude where !tensors.contains(where: { Pattern(pattern).matches($0.name) }) {
      throw OperationError(
        .step, "`exclude` of `\(Self.about.name)` has `\(pattern)`, which no tensor of `\(base.label)` is like",
        helps: ["`mergekit show` prints a model's tensors"])
    }
    for entry in tensors where isMatrix(entry.name, entry.shape) && entry.dtype.isFloat {
      let side = decomposedSide(rows: entry.shape[0], columns: entry.shape[1])
      guard side > SingularValues.largestSide else { continue }
      throw OperationError(
        .step,
        "`\(entry.name)` is \(entry.shape), and `\(Self.about.name)` would decompose a matrix whose lesser side is "
          + "\(side): at most \(SingularValues.largestSide) can be done",
        helps: ["`exclude: [\"\(entry.name)\"]` averages it"])
    }
  }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let room = try read.once { MemoryRoom() }
    let shape = base.content.entry(tensor.text)?.shape ?? []
    return try room.with(need(tensor.text, shape)) {
      try read.context.checkCancelled()
      return try made(tensor, read)
    }
  }

  private func made(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let base = try read(base)
    let scale = scale(tensor)
    guard isMatrix(tensor.text, base.shape) else {
      let share = scale / Double(models.count)
      return Tensor.weightedSum(
        [base] + (try models.map { try read($0) }), weights: [1 - scale] + models.map { _ in share })
    }
    let change = try merged(try models.map { try read($0).change(from: base) }, tensor, read)
    return Tensor(base, adding: change, times: scale)
  }

  private func isMatrix(_ name: String, _ shape: Shape) -> Bool {
    shape.rank == 2 && shape.count > 0 && !exclude.contains { Pattern($0).matches(name) }
  }

  func memory() -> Int {
    MemoryRoom.memory(base.content.tensors.filter { $0.dtype.isFloat }.map { need($0.name, $0.shape) })
  }

  /// The bytes that making a tensor holds: of a matrix the changes in float64 and what `merged` holds, with the base, a model
  /// and the result; of any other all operands and the result. Each as it is stored, at most in float64, and as float32.
  private func need(_ name: String, _ shape: Shape) -> Int {
    guard isMatrix(name, shape) else { return shape.count * (8 * models.count + 24) }
    return shape.count * (8 * models.count + 24) + workspace(rows: shape[0], columns: shape[1])
  }

  /// The decomposition of one of an operation's matrices.
  func singularValues(_ matrix: DoubleMatrix, _ tensor: TensorName) throws -> SingularValues {
    guard let values = SingularValues(matrix) else { throw OperationError.notDecomposed(tensor, by: Self.about.name) }
    return values
  }

  /// The sum of some matrices.
  func sum(_ matrices: [DoubleMatrix]) -> DoubleMatrix { matrices.dropFirst().reduce(matrices[0], +) }
}

extension Tensor {
  /// What makes this matrix of its base, in float64.
  func change(from base: Tensor) -> DoubleMatrix { DoubleMatrix(self) - DoubleMatrix(base) }
}

extension OperationError {
  static func notDecomposed(_ tensor: TensorName, by operation: String) -> OperationError {
    OperationError(
      .step, "the singular values of `\(tensor)` do not converge in `\(operation)`",
      helps: ["`mergekit show` tells whether its entries are of ordinary size"])
  }
}
