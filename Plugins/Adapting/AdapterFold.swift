import Adapters
import Operations
import Tensors

/// A model with a share of what an adapter does folded into its weights.
///
/// What is of low rank is added while the weight is read, a few rows at a time; all else is worked out for the whole tensor.
protocol AdapterFold: TensorwiseOperation {
  var base: Checkpoint { get }
  var adapter: Adapter { get }

  /// How much of the adapter a tensor takes.
  func share(_ tensor: TensorName) -> Double
}

extension AdapterFold {
  func makes(_ name: String) -> Bool { AdaptedModel.mayChange(name, by: adapter.content) }

  func memory() -> Int {
    let model = try? AdaptedModel(adapter.content, for: base.content)
    return MemoryRoom.memory(model?.workspaces() ?? [])
  }

  func lead(_ first: Content) throws -> Content { try AdaptedModel(adapter.content, for: first).model }

  func tensor(_ tensor: TensorName, _ read: TensorReader) throws -> Tensor {
    let model = try model(read)
    return try model.tensor(tensor.text, read(Checkpoint(model.model)), share: share(tensor))
  }

  func runs(_ tensor: TensorName, as dtype: DType, _ read: TensorReader) throws -> RunReader? {
    let model = try model(read)
    guard dtype.hasKernels, let shape = model.model.entry(tensor.text)?.shape,
      let stream = try read.stream(Checkpoint(model.model)),
      let sum = try model.sum(tensor.text, Tensor(stream, shape: shape), share: share(tensor))
    else { return nil }
    return { run, target in
      guard let place = target.baseAddress else { return }
      let isFinite = sum.write(run, into: place, as: dtype)
      if let failure = stream.failure { throw failure }
      guard isFinite, !stream.hasStrays else {
        // The way over the whole tensor says which entry it is, and of what.
        _ = try rounded(self.tensor(tensor, read), to: dtype, tensor)
        preconditionFailure("`\(Self.about.name)` made `\(tensor)` in two ways, and only one is finite")
      }
    }
  }

  private func model(_ read: TensorReader) throws -> AdaptedModel {
    try read.once { try AdaptedModel(adapter.content, for: base.content) }
  }
}
