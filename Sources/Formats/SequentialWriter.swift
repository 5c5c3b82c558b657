import Dispatch
import Foundation
import Synchronization

/// Bytes of a new file that follow each other: while some are written, the next are made.
///
/// They are gathered into pieces of whole pages, which the file's `PieceQueue` writes. One thread fills them.
public final class SequentialWriter {
  private let file: NewFile
  /// What is filled: from the page on in which `offset` lies. None before anything is.
  private var piece: UnsafeMutableRawBufferPointer?
  /// Where in the file the first byte of the piece goes that has not been written.
  private var offset: Int
  private var filled = 0

  /// - Parameter offset: Where in the file the bytes begin.
  public init(_ file: NewFile, at offset: Int) {
    self.file = file
    self.offset = offset
  }

  deinit { piece.map(file.pieces.giveBack) }

  /// Adds bytes that `make` writes, a quarter of a piece at most.
  /// - Returns: What `make` returns.
  /// - Throws: What it throws; `OperationError` where bytes that were added before could not be written.
  public func add<Result>(_ count: Int, _ make: (UnsafeMutableRawBufferPointer) throws -> Result) throws -> Result {
    precondition(count <= PieceQueue.pieceLength / 4, "\(count) bytes are added at once")
    if offset % NewFile.pageSize + filled + count > PieceQueue.pieceLength {
      try write(upTo: (offset + filled) / NewFile.pageSize * NewFile.pageSize)
    }
    let piece = piece ?? file.pieces.take()
    self.piece = piece
    let start = offset % NewFile.pageSize + filled
    let result = try make(UnsafeMutableRawBufferPointer(rebasing: piece[start..<start + count]))
    filled += count
    return result
  }

  /// Has the rest written too. Whether all of it could be, the file says once it is finished or published.
  /// - Throws: `OperationError` where that failed already.
  public func finish() throws { try write(upTo: offset + filled) }

  /// Has what is filled written up to a place in the file; what is left begins the next piece.
  private func write(upTo end: Int) throws {
    guard let full = piece else { return }
    let start = offset % NewFile.pageSize
    let (count, rest) = (end - offset, offset + filled - end)
    piece = nil
    if rest > 0 {
      let next = file.pieces.take()
      next.copyMemory(from: UnsafeRawBufferPointer(rebasing: full[start + count..<start + filled]))
      piece = next
    }
    (offset, filled) = (end, rest)
    try file.writeInBackground(full, start..<start + count, at: end - count)
  }
}

extension NewFile {
  /// Has bytes of a piece written while the caller goes on; the piece is the file's again afterwards.
  /// - Throws: `OperationError` where earlier bytes could not be written.
  func writeInBackground(_ piece: UnsafeMutableRawBufferPointer, _ range: Range<Int>, at offset: Int) throws {
    nonisolated(unsafe) let piece = piece
    try pieces.add { [self] in
      defer { pieces.giveBack(piece) }
      try writePages(UnsafeRawBufferPointer(rebasing: piece[range]), at: offset)
    }
  }
}

/// The pieces of files that wait to be written, and memory for more.
///
/// Two are written at a time, so that the disk has the next one when it is done with one. That more may wait keeps the threads
/// that make them from waiting for a disk that is slow for a moment. After one could not be written, none of its files is whole.
///
/// - Note: `@unchecked` because what is not constant is read and written only while the lock is held.
public final class PieceQueue: @unchecked Sendable {
  /// Of a piece: a large page of memory, for of the many small ones that it would be else the disk wants to know each.
  static let pieceLength = 2 << 20
  /// Pieces that may wait, those that are being written among them.
  private static let most = 12

  /// Serial ones get a thread at once, which a concurrent one does not while all processors are busy making pieces.
  private let queues = (0..<2).map { DispatchQueue(label: "mergekit.writer.\($0)") }
  private var turn = 0
  private let room = DispatchSemaphore(value: PieceQueue.most)
  private let written = DispatchGroup()
  private let failure = Mutex<(any Error)?>(nil)
  private let lock = Mutex(())
  /// Memory that is new costs as much as writing it, so that it is taken again.
  private var free: [UnsafeMutableRawBufferPointer] = []

  public init() {}

  deinit { for piece in free { piece.deallocate() } }

  /// A piece of memory.
  func take() -> UnsafeMutableRawBufferPointer {
    if let piece = lock.withLock({ _ in free.popLast() }) { return piece }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceLength, alignment: Self.pieceLength)
    #if os(Linux)
      // Where the system has no large pages, small ones do.
      madvise(piece.baseAddress, piece.count, MADV_HUGEPAGE)
    #endif
    return piece
  }

  func giveBack(_ piece: UnsafeMutableRawBufferPointer) {
    lock.withLock { _ in free.append(piece) }
  }

  /// Adds a piece, once there is room for it.
  /// - Throws: Why an earlier one could not be written.
  func add(_ write: @escaping @Sendable () throws -> Void) throws {
    room.wait()
    let queue = lock.withLock { _ in
      turn = (turn + 1) % queues.count
      return queues[turn]
    }
    queue.async(group: written) { [self] in
      do { try write() } catch { failure.withLock { $0 = $0 ?? error } }
      room.signal()
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// Waits until all are written.
  /// - Throws: Why one could not be.
  func finish() throws {
    written.wait()
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
