import Dispatch
import Synchronization

/// Bytes of a new file that follow each other: while some are written, the next are made.
///
/// They are gathered into pieces of whole pages, of which two are held. One thread fills them.
public final class SequentialWriter {
  /// Large enough for a disk to be busy while the next is awaited.
  private static let pieceLength = 4 << 20

  private let file: NewFile
  /// What is filled: from the page on in which `offset` lies.
  private var piece: UnsafeMutableRawBufferPointer
  private var other: UnsafeMutableRawBufferPointer
  /// Where in the file the first byte of the piece goes that has not been written.
  private var offset: Int
  private var filled = 0
  private let queue = DispatchQueue(label: "mergekit.writer")
  private let failure = FirstFailure()

  /// - Parameters:
  ///   - offset: Where in the file the bytes begin.
  ///   - count: How many there will be.
  ///   - longest: As many as are added at once at most.
  public init(_ file: NewFile, at offset: Int, count: Int, longest: Int) {
    self.file = file
    self.offset = offset
    let length = min(count, Self.pieceLength + longest) + 2 * NewFile.pageSize
    piece = file.pieces.take(length)
    other = file.pieces.take(count < Self.pieceLength ? 0 : length)
  }

  deinit {
    queue.sync {}
    file.pieces.giveBack(piece)
    file.pieces.giveBack(other)
  }

  /// Adds bytes that `make` writes.
  /// - Returns: What `make` returns.
  /// - Throws: What it throws; `OperationError` where bytes that were added before could not be written.
  public func add<Result>(_ count: Int, _ make: (UnsafeMutableRawBufferPointer) throws -> Result) throws -> Result {
    let start = offset % NewFile.pageSize + filled
    let result = try make(UnsafeMutableRawBufferPointer(rebasing: piece[start..<start + count]))
    filled += count
    if filled >= Self.pieceLength { try writePiece() }
    return result
  }

  /// Waits until everything is written.
  /// - Throws: `OperationError` where that failed.
  public func finish() throws {
    try awaitWriting()
    try file.writePages(unwritten(filled), at: offset)
    filled = 0
  }

  private func unwritten(_ count: Int) -> UnsafeRawBufferPointer {
    let start = offset % NewFile.pageSize
    return UnsafeRawBufferPointer(rebasing: piece[start..<start + count])
  }

  /// Begins to write the piece's whole pages; what is left begins the next.
  private func writePiece() throws {
    try awaitWriting()
    let end = (offset + filled) / NewFile.pageSize * NewFile.pageSize
    let rest = offset + filled - end
    nonisolated(unsafe) let bytes = unwritten(end - offset)
    other.copyMemory(from: UnsafeRawBufferPointer(rebasing: unwritten(filled).suffix(rest)))
    queue.async { [file, failure, offset] in
      do { try file.writePages(bytes, at: offset) } catch { failure.error.withLock { $0 = error } }
    }
    swap(&piece, &other)
    (offset, filled) = (end, rest)
  }

  private func awaitWriting() throws {
    queue.sync {}
    if let error = failure.error.withLock({ $0 }) { throw error }
  }

  private final class FirstFailure: Sendable {
    let error = Mutex<(any Error)?>(nil)
  }
}

/// Memory for the pieces of a file, of which those that are done with are taken again: memory that is new costs as much as
/// writing it.
///
/// - Note: `@unchecked` because `free` is read and written only while the lock is held.
final class PieceMemory: @unchecked Sendable {
  private let lock = Mutex(())
  private var free: [UnsafeMutableRawBufferPointer] = []

  deinit { for piece in free { piece.deallocate() } }

  /// A piece of at least so many bytes, at the beginning of a page.
  func take(_ length: Int) -> UnsafeMutableRawBufferPointer {
    let taken = lock.withLock { _ in free.firstIndex { $0.count >= length }.map { free.remove(at: $0) } }
    return taken ?? .allocate(byteCount: length, alignment: NewFile.pageSize)
  }

  func giveBack(_ piece: UnsafeMutableRawBufferPointer) {
    lock.withLock { _ in free.append(piece) }
  }
}
