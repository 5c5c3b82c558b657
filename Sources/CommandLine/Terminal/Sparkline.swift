/// Numbers as a row of blocks, the largest highest: `█▆▄▃▂▂▁`.
struct Sparkline {
  private let numbers: [Double]

  init(_ numbers: [Double]) { self.numbers = numbers.filter(\.isFinite) }

  /// Each block is the mean of as many numbers; empty where there are too few to see anything.
  func text(width: Int) -> String {
    guard numbers.count > 1, let low = numbers.min(), let high = numbers.max(), low < high else { return "" }
    let width = min(width, numbers.count)
    let blocks = Array("▁▂▃▄▅▆▇█")
    return String(
      (0..<width).map { place in
        let part = numbers[place * numbers.count / width..<(place + 1) * numbers.count / width]
        let mean = part.reduce(0, +) / Double(part.count)
        return blocks[min(Int((mean - low) / (high - low) * Double(blocks.count)), blocks.count - 1)]
      })
  }
}
