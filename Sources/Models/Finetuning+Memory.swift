import Diagnostics
import Networks
import Operations

extension Finetuning {
  /// Makes the passes of a step fit into the memory that there is, before the first is made: where they do not fit as they are,
  /// blocks are worked out again instead of kept, which changes no bit.
  /// - Throws: `OperationError` where they do not fit then either.
  func fit(_ training: Training, _ data: ModelData, _ context: Context) throws {
    let longest = (0..<data.count).sorted { (data.length($1), $0) < (data.length($0), $1) }.prefix(batch)
    let parts = data.parts(Array(longest))
    func need() -> Int {
      parts.map { training.need(examples: $0.count, length: data.length($0[0])) }.max() ?? 0
    }
    guard need() > context.memory else { return }
    training.recomputes = true
    let least = need()
    guard least > context.memory else { return }
    throw OperationError(
      .step,
      "a step of `\(name)` takes \(Measure.bytes(least)) at its peak, and steps may use \(Measure.bytes(context.memory))",
      helps: ["a smaller `batch` or `length` takes less, and `--memory` allows more"])
  }
}
