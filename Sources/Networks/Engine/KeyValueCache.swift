import Tensors

/// The keys and values of all places that a decoder has read, so that its next token reads one place and not the whole text.
final class KeyValueCache {
  /// Places that each text may come to have.
  private let capacity: Int
  private let memory: Memory
  /// By the path of the attention, (texts, capacity, width) each.
  private var kept: [String: (keys: Block, values: Block, width: Int)] = [:]

  init(_ memory: Memory, capacity: Int) {
    self.memory = memory
    self.capacity = capacity
  }

  /// Keeps what is new, (texts, places, width), and gives what attention looks at: what is new alone where nothing was there before,
  /// and else the keys and values of all places.
  func extend(_ path: String, _ keys: Variable, _ values: Variable, _ texts: TextBatch) -> (Variable, Variable) {
    let (places, width) = (keys.shape[1], keys.shape[2])
    let isFirst = kept[path] == nil
    let size = texts.examples * capacity * width
    let room = kept[path] ?? (memory.block(size), memory.block(size), width)
    kept[path] = room
    precondition(texts.first.allSatisfy { $0 + places <= capacity }, "\(capacity) places are kept of each text")
    for (block, new) in [(room.keys, keys), (room.values, values)] {
      for text in 0..<texts.examples {
        let start = (text * capacity + (isFirst ? 0 : texts.first[text])) * width
        (block.floats.base + start).update(from: new.floats.base + text * places * width, count: places * width)
      }
    }
    if isFirst { return (keys, values) }
    func all(_ block: Block) -> Variable {
      Variable(shape: [texts.examples, capacity, width], isBatched: true, block: block, slot: nil)
    }
    return (all(room.keys), all(room.values))
  }

  /// Lets all texts go but these, in ascending order.
  func keep(_ rows: [Int]) {
    for (keys, values, width) in kept.values {
      for base in [keys.floats.base, values.floats.base] {
        for (new, old) in rows.enumerated() where new != old {
          (base + new * capacity * width).update(from: base + old * capacity * width, count: capacity * width)
        }
      }
    }
  }
}
