import Diagnostics
import Fingerprints
import Formats
import Foundation
import Operations
import Tensors

/// Some bytes of a file that are a tensor.
struct TensorSlice: Sendable, Hashable {
  let dtype: DType
  let shape: Shape
  let slice: FileSlice
}

/// The digests of tensors where they lie; each is read once, a block at a time.
func hash(_ tensors: [TensorSlice], isCancelled: @Sendable () -> Bool) throws -> [Digest] {
  // The threads that have no tensor of their own help with the others'.
  let isShared = tensors.count < ProcessInfo.processInfo.activeProcessorCount
  return try largestFirst(tensors.map(\.slice.count), isCancelled: isCancelled) { index in
    let tensor = tensors[index]
    let file = try File(tensor.slice.path)
    try file.checkUnchanged(since: tensor.slice.stamp)
    let bytes = try hash(
      file, from: tensor.slice.offset, count: tensor.slice.count, isShared: isShared, isCancelled: isCancelled)
    try file.checkUnchanged(since: tensor.slice.stamp)
    return .tensor(tensor.dtype, tensor.shape, bytes: bytes)
  }
}

extension Registry {
  /// The digest of a tensor as it lies in a file now.
  public static func digest(of slice: FileSlice, _ dtype: DType, _ shape: Shape) throws -> Digest {
    try hash([TensorSlice(dtype: dtype, shape: shape, slice: slice)]) { false }[0]
  }
}

/// The hash of some bytes of a file.
/// - Parameter isShared: Whether several threads do it together.
func hash(_ file: File, from offset: Int, count: Int, isShared: Bool, isCancelled: () -> Bool) throws -> Digest {
  // Alone, a thread does best with as much as stays in its cache.
  let blockSize = isShared ? 4 << 20 : 256 << 10
  var hasher = BLAKE3()
  let block = UnsafeMutableRawBufferPointer.allocate(byteCount: min(blockSize, count), alignment: 64)
  defer { block.deallocate() }
  var done = 0
  while done < count {
    if isCancelled() { throw OperationError(.interrupted, "interrupted") }
    let part = UnsafeMutableRawBufferPointer(rebasing: block.prefix(count - done))
    try file.read(into: part, at: offset + done)
    hasher.update(UnsafeRawBufferPointer(part), parallel: isShared)
    done += part.count
  }
  return hasher.finalize()
}
