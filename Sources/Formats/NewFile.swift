import Diagnostics
import Foundation
import Tensors

/// A file that is being written: it must not be there yet, and what is not closed is removed.
public final class NewFile: Sendable {
  public let path: String
  private let descriptor: Int32

  /// - Parameter reserving: Bytes to ask the disk for at once, so that a full disk shows now and not half-way.
  /// - Throws: `OperationError`.
  public init(_ path: String, reserving: Int = 0) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    self.path = path
    guard descriptor >= 0 else { throw OperationError(writing: path, errno) }
    #if os(Linux)
      if reserving > 0 {
        let code = posix_fallocate(descriptor, 0, off_t(reserving))
        // A file system that cannot reserve says so; the writes then find out.
        if code == ENOSPC || code == EFBIG || code == EDQUOT {
          discard()
          throw OperationError(writing: path, code, needing: reserving)
        }
      }
    #endif
  }

  deinit { close(descriptor) }

  /// Writes all bytes at an offset. Several threads may write at once, at different places.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw OperationError(writing: path, errno, needing: bytes.count - done) }
      done += count
    }
  }

  public func write(_ bytes: [UInt8], at offset: Int) throws { try bytes.withUnsafeBytes { try write($0, at: offset) } }

  /// Puts the bytes on the disk for good, and lets nobody change them if they are to stay.
  public func finish(isReadOnly: Bool = false) throws {
    if isReadOnly { fchmod(descriptor, 0o444) }
    guard fsync(descriptor) == 0 else { throw OperationError(writing: path, errno) }
  }

  public func discard() { unlink(path) }

  /// Writes a whole file beside its place and moves it there, so that it is there whole or not at all.
  public static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try NewFile(path, reserving: bytes.count)
    do {
      try file.write(bytes, at: 0)
      try file.finish()
    } catch {
      file.discard()
      throw error
    }
  }
}

extension OperationError {
  /// Why a file could not be written.
  public init(writing path: String, _ code: Int32, needing bytes: Int? = nil) {
    let folder = (path as NSString).deletingLastPathComponent
    switch code {
    case ENOSPC, EDQUOT, EFBIG:
      let free = (try? FileManager.default.attributesOfFileSystem(forPath: folder)[.systemFreeSize] as? Int) ?? nil
      let facts = [bytes.map { "\($0) bytes were to be written" }, free.map { "\($0) bytes are free" }].compactMap { $0 }
      self.init(
        .io, "the disk is full: `\(path)` cannot be written", notes: facts.isEmpty ? [] : [facts.joined(separator: ", ")],
        helps: ["make room, then apply again: what is done is kept"])
    case EEXIST: self.init(.output, "`\(path)` is there already")
    case EACCES, EPERM, EROFS: self.init(.output, "`\(folder)` may not be written to")
    case ENOENT, ENOTDIR: self.init(.output, "`\(folder)` is not a folder")
    default: self.init(.io, "`\(path)` cannot be written: \(String(cString: strerror(code)))")
    }
  }
}

/// Makes a folder's list of names durable: what was moved or made in it is there after a power cut.
public func synchronizeFolder(_ path: String) {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}
