import Operations
import Tensors

/// Rows that stand in the place of some of a weight's: tokens of an embedding that were trained alone.
public struct ReplacedRows: Sendable {
  /// Which rows they are, as the model keeps the weight.
  public let places: [Int]
  /// (places, width).
  public let entry: TensorEntry

  public init(_ places: [Int], _ entry: TensorEntry) { (self.places, self.entry) = (places, entry) }

  /// Whether there is a row for each place, and no place twice.
  var isConsistent: Bool {
    entry.shape.rank == 2 && entry.shape[0] == places.count && Set(places).count == places.count
      && places.allSatisfy { $0 >= 0 }
  }

  /// The weight with them, in float32.
  /// - Parameter share: How far they go from the old rows to the new ones.
  func replaced(in base: Tensor, share: Double, _ read: (TensorEntry) throws -> Tensor) throws -> Tensor {
    var entries = base.floats
    let (new, width) = (try read(entry).doubles, entry.shape[1])
    for (number, place) in places.enumerated() {
      for column in 0..<width {
        let old = Double(entries[place * width + column])
        entries[place * width + column] =
          share == 1 ? Float(new[number * width + column]) : Float(old + share * (new[number * width + column] - old))
      }
    }
    return Tensor(entries, shape: base.shape)
  }
}
