import Operations
import Synchronization
import Tensors

extension TensorReader {
  /// Of some quantities that have a magnitude at each entry of some tensors, the magnitudes of given ranks, largest first,
  /// among all entries of all the tensors. Exact; what is asked for is read twice.
  ///
  /// - Parameters:
  ///   - ranks: Of each quantity one, from 1 to the number of entries.
  ///   - magnitudes: Each quantity in one tensor.
  func magnitudes(
    ofLargest ranks: [Int], among names: [TensorName],
    _ magnitudes: @Sendable (TensorName, TensorReader) throws -> [Magnitudes]
  ) throws -> [Float] {
    func histograms(_ uppers: [Int?]) throws -> [MagnitudeHistogram] {
      let totals = Mutex(uppers.map { MagnitudeHistogram(upper: $0) })
      _ = try context.map(names) { name in
        for (index, magnitudes) in try magnitudes(name, reading(name.text)).enumerated() {
          let one = MagnitudeHistogram(magnitudes, upper: uppers[index])
          totals.withLock { $0[index].add(one) }
        }
      }
      return totals.withLock { $0 }
    }
    let uppers = zip(try histograms(ranks.map { _ in nil }), ranks).map { $0.half(ofLargest: $1) }
    let lowers = zip(try histograms(uppers.map(\.half)), uppers).map { $0.half(ofLargest: $1.rank).half }
    return zip(uppers, lowers).map { MagnitudeHistogram.magnitude(upper: $0.half, lower: $1) }
  }
}
