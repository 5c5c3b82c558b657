import Dispatch

/// The BLAKE3 hash (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020), without key, 32 bytes long.
///
/// The input is cut into chunks of 1,024 bytes; their chaining values are the leaves of a binary tree whose left subtrees are
/// complete. The input is taken in batches of 64 chunks, each a complete subtree, so that a batch can be compressed many
/// chunks at a time (`BLAKE3+Tree`) and batches on several threads. Neither changes a bit of the hash.
public struct BLAKE3: Sendable {
  /// Bytes of a batch.
  static let batchLength = 64 * chunkLength

  /// The chaining values of complete subtrees, the largest first. They are joined only once more follows, for the last to be
  /// joined may be the root.
  private var stack: [ChainingValue] = []
  /// Batches whose chaining values are in the stack.
  private var batches = 0
  /// Bytes that are not in the stack yet. The first batch stays here until more follows, even a full one: it may be the root.
  private var pending: [UInt8] = []

  public init() {}

  /// The hash of some bytes, on several threads if told so.
  public static func hash(_ bytes: UnsafeRawBufferPointer, parallel: Bool = false) -> Digest {
    var hasher = BLAKE3()
    hasher.update(bytes, parallel: parallel)
    return hasher.finalize()
  }

  /// The hash of some bytes.
  public static func hash(_ bytes: [UInt8]) -> Digest { bytes.withUnsafeBytes { hash($0) } }

  /// Adds bytes to the input.
  public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// Adds bytes to the input, hashing them on several threads if told so.
  public mutating func update(_ bytes: UnsafeRawBufferPointer, parallel: Bool = false) {
    var rest = bytes
    if !pending.isEmpty {
      let missing = min(Self.batchLength - pending.count, rest.count)
      pending += rest.prefix(missing)
      rest = UnsafeRawBufferPointer(rebasing: rest[missing...])
      guard !rest.isEmpty else { return }
      push(pending.withUnsafeBytes { Self.chainingValue(of: $0, firstChunk: firstChunk) })
      pending.removeAll(keepingCapacity: true)
    }
    let isOnlyBatch = batches == 0 && rest.count == Self.batchLength
    let whole = isOnlyBatch ? 0 : rest.count / Self.batchLength
    for value in Self.chainingValues(ofBatches: whole, of: rest, firstChunk: firstChunk, parallel: parallel) {
      push(value)
    }
    pending += rest[(whole * Self.batchLength)...]
  }

  /// The hash of all that was added; more may be added after it.
  public func finalize() -> Digest {
    var (stack, root): ([ChainingValue], Node)
    if pending.isEmpty, self.stack.count > 1 {
      stack = self.stack
      let right = stack.removeLast()
      root = Node(stack.removeLast(), right)
    } else {
      stack = Self.joined(self.stack, batches: batches)
      root = pending.withUnsafeBytes { Self.node(of: $0, firstChunk: firstChunk) }
    }
    for left in stack.reversed() { root = Node(left, root.chainingValue) }
    return root.digest
  }

  /// The number of the first chunk that is not in the stack.
  private var firstChunk: UInt64 { UInt64(batches) * UInt64(Self.batchLength / Self.chunkLength) }

  /// Adds a batch's chaining value, after joining the subtrees that have become complete.
  private mutating func push(_ batch: ChainingValue) {
    stack = Self.joined(stack, batches: batches)
    stack.append(batch)
    batches += 1
  }

  /// One subtree for each bit that is set in the number of batches.
  private static func joined(_ stack: [ChainingValue], batches: Int) -> [ChainingValue] {
    var stack = stack
    while stack.count > batches.nonzeroBitCount {
      let right = stack.removeLast()
      stack[stack.count - 1] = Node(stack[stack.count - 1], right).chainingValue
    }
    return stack
  }

  private static func chainingValues(
    ofBatches count: Int, of bytes: UnsafeRawBufferPointer, firstChunk: UInt64, parallel: Bool
  ) -> [ChainingValue] {
    [ChainingValue](unsafeUninitializedCapacity: count) { values, filled in
      // Each call writes the slots of its own batches and no others, and all are done before the array is read.
      nonisolated(unsafe) let (values, bytes) = (values, bytes)
      let perCall = 16
      let hashSome: @Sendable (Int) -> Void = { call in
        for batch in call * perCall..<min((call + 1) * perCall, count) {
          let range = batch * batchLength..<(batch + 1) * batchLength
          let value = chainingValue(
            of: UnsafeRawBufferPointer(rebasing: bytes[range]),
            firstChunk: firstChunk + UInt64(range.lowerBound / chunkLength))
          values.initializeElement(at: batch, to: value)
        }
      }
      let calls = (count + perCall - 1) / perCall
      if parallel, calls > 1 {
        DispatchQueue.concurrentPerform(iterations: calls, execute: hashSome)
      } else {
        for call in 0..<calls { hashSome(call) }
      }
      filled = count
    }
  }
}
