import Diagnostics
import Foundation
import Synchronization

/// A file that is being written under a name that was free. It is removed again unless it is finished or published.
public final class NewFile: Sendable {
  /// What becomes of a file that is already where the new one is to be.
  public enum Existing: Sendable {
    /// It stays, and an error says so.
    case refused
    /// It stays, and the new one goes: they are known to be the same.
    case kept
    /// The new one takes its place.
    case replaced
  }

  /// Where it is while it is written.
  public let path: String
  /// Where it will be, as errors call it.
  private let place: String
  private let descriptor: Int32
  /// Writes past the system's cache; negative where the file system cannot, or nobody asked for it.
  private let direct: Int32
  private let isKept = Atomic<Bool>(false)
  let pieces: PieceQueue
  let samples = Mutex<[Sample]>([])

  /// - Parameters:
  ///   - reserving: Bytes to ask the disk for at once, so that a full disk shows now and not half-way.
  ///   - isDirect: Whether what a `SequentialWriter` writes goes past the system's cache: for a large file that is not read
  ///     at once, so that it does not push what is read out of the memory.
  ///   - pieces: Writes what a `SequentialWriter` gathers; files that are written together share one.
  /// - Throws: `OperationError`.
  public convenience init(
    _ path: String, reserving: Int = 0, isDirect: Bool = false, pieces: PieceQueue = PieceQueue()
  ) throws {
    try self.init(
      path, place: path, reserving: reserving, descriptor: Self.create(path), isDirect: isDirect, pieces: pieces)
  }

  /// Begins a file that is to be published as `path`, in the same folder, under a name that nobody else uses.
  public convenience init(beside path: String, reserving: Int = 0) throws {
    let process = ProcessInfo.processInfo.processIdentifier
    var attempt = 0
    var name = ""
    var descriptor: Int32 = -1
    repeat {
      name = "\(folder(of: path))/.mergekit-\(process)-\(attempt)"
      descriptor = Self.create(name)
      attempt += 1
    } while descriptor < 0 && errno == EEXIST
    try self.init(name, place: path, reserving: reserving, descriptor: descriptor)
  }

  /// - Parameter descriptor: Negative where `errno` says why there is none.
  private init(
    _ path: String, place: String, reserving: Int, descriptor: Int32, isDirect: Bool = false,
    pieces: PieceQueue = PieceQueue()
  ) throws {
    guard descriptor >= 0 else { throw OperationError(writing: place, errno) }
    self.pieces = pieces
    self.path = path
    self.place = place
    self.descriptor = descriptor
    direct = isDirect ? Self.openDirect(path) : -1
    try reserve(reserving)
  }

  deinit {
    close(descriptor)
    if direct >= 0 { close(direct) }
    if !isKept.load(ordering: .acquiring) { unlink(path) }
  }

  private static func create(_ path: String) -> Int32 {
    precondition(!path.utf8.contains(0), "a path holds no zero byte")
    return retryingInterrupted { open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644) }
  }

  /// - Returns: A negative number where the file system knows no such thing.
  private static func openDirect(_ path: String) -> Int32 {
    #if os(Linux)
      // O_DIRECT, which is no plain number in the system's headers.
      #if arch(x86_64)
        let flag: Int32 = 0o40000
      #else
        let flag: Int32 = 0o200000
      #endif
      return retryingInterrupted { open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flag) }
    #else
      return -1
    #endif
  }

  private func reserve(_ count: Int) throws {
    #if os(Linux)
      guard count > 0 else { return }
      let code = posix_fallocate(descriptor, 0, off_t(count))
      // A file system that cannot reserve says something else; the writes then find out.
      if OperationError.meansFull(code) { throw OperationError(writing: place, code, needing: count) }
    #endif
  }

  /// Writes all bytes at an offset. Several threads may write at once, at different places.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = retryingInterrupted {
        pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      }
      guard count > 0 else { throw OperationError(writing: place, errno, needing: bytes.count - done) }
      done += count
    }
  }

  /// What a disk reads and writes at a time, or a multiple of it.
  static let pageSize = 4096

  /// Writes all bytes at an offset, whole pages past the system's cache where the file was made for that.
  /// - Parameter bytes: As far into a page of memory as the offset is into one of the file.
  func writePages(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    let page = Self.pageSize
    let first = (offset + page - 1) / page * page - offset
    let end = (offset + bytes.count) / page * page - offset
    guard direct >= 0, first < end else { return try write(bytes, at: offset) }
    precondition(UInt(bitPattern: bytes.baseAddress) % UInt(page) == UInt(offset % page), "pages lie on pages")
    var done = first
    while done < end {
      let count = retryingInterrupted {
        pwrite(direct, bytes.baseAddress.map { $0 + done }, end - done, off_t(offset + done))
      }
      // Where the disk's pages are larger, or it took a part of one, the system's cache takes the rest.
      guard count > 0, count % page == 0 else { break }
      done += count
    }
    if first > 0 { try write(UnsafeRawBufferPointer(rebasing: bytes[..<first]), at: offset) }
    try write(UnsafeRawBufferPointer(rebasing: bytes[done...]), at: offset + done)
  }

  public func write(_ bytes: [UInt8], at offset: Int) throws { try bytes.withUnsafeBytes { try write($0, at: offset) } }

  /// Puts the bytes on the disk for good; the file stays where it is.
  /// - Parameter isReadOnly: Whether nobody is to change it any more.
  public func finish(isReadOnly: Bool = false) throws {
    try synchronize(isReadOnly: isReadOnly)
    isKept.store(true, ordering: .releasing)
  }

  /// Puts the bytes on the disk for good and the file where it is to be, whole or not at all, power cut or not.
  ///
  /// - Parameter target: On the same file system.
  /// - Throws: `OperationError`; the file is then removed.
  public func publish(as target: String, existing: Existing = .refused, isReadOnly: Bool = false) throws {
    try synchronize(isReadOnly: isReadOnly)
    if existing == .replaced {
      try move(to: target)
    } else if try !moveUnlessThere(to: target), existing == .refused {
      throw OperationError(writing: target, EEXIST)
    }
    try synchronizeFolder(folder(of: target))
  }

  private func synchronize(isReadOnly: Bool) throws {
    try pieces.finish()
    if isReadOnly { fchmod(descriptor, 0o444) }
    guard retryingInterrupted({ fsync(descriptor) }) == 0 else { throw OperationError(writing: place, errno) }
  }

  private func move(to target: String) throws {
    guard rename(path, target) == 0 else { throw OperationError(writing: target, errno) }
    isKept.store(true, ordering: .releasing)
  }

  /// Moves the file, never to the place of another; false where there is one.
  private func moveUnlessThere(to target: String) throws -> Bool {
    // A second name cannot displace a file. The first goes at once: when it does, the file's stamp changes.
    if link(path, target) == 0 {
      unlink(path)
      isKept.store(true, ordering: .releasing)
      return true
    }
    let code = errno
    if code == EEXIST { return false }
    // Some file systems have no second names; there, a file that comes at this very moment is lost.
    guard code == EPERM || code == ENOTSUP || code == ENOSYS else { throw OperationError(writing: target, code) }
    if access(target, F_OK) == 0 { return false }
    try move(to: target)
    return true
  }

  /// Writes a whole file, so that it is there whole or not at all.
  public static func write(_ bytes: [UInt8], to path: String, existing: Existing = .refused) throws {
    let file = try NewFile(beside: path, reserving: bytes.count)
    try file.write(bytes, at: 0)
    try file.publish(as: path, existing: existing)
  }
}

/// Makes a folder's list of names durable: what was moved or made in it is there after a power cut.
/// - Throws: `OperationError` where the disk fails; a file system that cannot do it has nothing to make durable.
public func synchronizeFolder(_ path: String) throws {
  let descriptor = retryingInterrupted { open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY) }
  guard descriptor >= 0 else { throw OperationError(writing: path, errno) }
  defer { close(descriptor) }
  guard retryingInterrupted({ fsync(descriptor) }) == 0 || errno == EINVAL || errno == ENOTSUP else {
    throw OperationError(writing: path, errno)
  }
}

/// Bytes that may still be written where a folder is; nil where the system does not say.
public func freeBytes(under folder: String) -> Int? {
  var status = statvfs()
  guard statvfs(folder, &status) == 0 else { return nil }
  return Int(clamping: status.f_bavail) &* Int(clamping: status.f_frsize)
}

private func folder(of path: String) -> String {
  let folder = (path as NSString).deletingLastPathComponent
  return folder.isEmpty ? "." : folder
}

extension OperationError {
  fileprivate static func meansFull(_ code: Int32) -> Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  /// Why a file could not be written.
  public init(writing path: String, _ code: Int32, needing bytes: Int? = nil) {
    let folder = folder(of: path)
    switch code {
    case _ where Self.meansFull(code):
      let free = freeBytes(under: folder)
      let facts = [bytes.map { "\($0) bytes were to be written" }, free.map { "\($0) bytes are free" }]
      self.init(
        .io, "the disk is full: `\(path)` cannot be written",
        notes: facts.contains { $0 != nil } ? [facts.compactMap { $0 }.joined(separator: ", ")] : [],
        helps: ["make room, then apply again: what is done is kept"])
    case EEXIST: self.init(.output, "`\(path)` is there already")
    case EACCES, EPERM, EROFS: self.init(.output, "`\(folder)` may not be written to")
    case ENOENT, ENOTDIR: self.init(.output, "`\(folder)` is not a folder")
    default: self.init(.io, "`\(path)` cannot be written: \(String(cString: strerror(code)))")
    }
  }
}
