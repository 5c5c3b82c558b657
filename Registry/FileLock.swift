import Diagnostics
import Foundation

/// A lock that the kernel gives back when its holder ends, however it ends.
final class FileLock: Sendable {
  enum Kind { case shared, exclusive }

  let path: String
  let kind: Kind
  private let descriptor: Int32

  private init(_ path: String, _ kind: Kind, _ descriptor: Int32) {
    self.path = path
    self.kind = kind
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Takes a lock, making its file where it is missing; nil where somebody else holds it.
  ///
  /// - Parameter waits: Whether to wait for whoever holds it.
  /// - Throws: `OperationError` where the file cannot be made.
  static func take(_ path: String, _ kind: Kind, waits: Bool = false) throws -> FileLock? {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else { throw OperationError(registry: path, errno) }
      let lock = FileLock(path, kind, descriptor)
      guard lock.lock(waits: waits) else { return nil }
      // Whoever held it may have removed the file: then the lock is on a file that nobody else will find.
      if lock.isInPlace { return lock }
    }
  }

  /// Whether somebody holds a lock exclusively. Changes nothing, so it can be asked where nothing may be written.
  static func isHeld(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    return !FileLock(path, .shared, descriptor).lock(waits: false)
  }

  /// Writes into the file who holds it, for those who wait.
  func sign() {
    let text = Array("\(ProcessInfo.processInfo.processIdentifier)".utf8)
    ftruncate(descriptor, 0)
    _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  /// Who wrote its name into a lock's file.
  static func holder(of path: String) -> Int? {
    FileManager.default.contents(atPath: path).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
  }

  /// Removes the file. The lock is held until the object goes.
  func remove() { unlink(path) }

  private func lock(waits: Bool) -> Bool {
    let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
    while flock(descriptor, operation) != 0 {
      if errno == EINTR { continue }
      // A file system without locks: then two processes may do the same work, and what they publish is the same.
      return errno != EWOULDBLOCK
    }
    return true
  }

  private var isInPlace: Bool {
    var named = stat()
    var open = stat()
    return fstat(descriptor, &open) == 0 && lstat(path, &named) == 0 && open.st_ino == named.st_ino
      && open.st_dev == named.st_dev
  }
}

extension OperationError {
  /// Why a file of the registry could not be made, opened or moved.
  init(registry path: String, _ code: Int32) {
    switch code {
    case EACCES, EPERM, EROFS:
      self.init(
        .permission, "`\(path)` may not be written to",
        helps: ["`--registry DIR` keeps results somewhere else"])
    case ENOSPC, EDQUOT:
      self.init(
        .io, "the disk is full: `\(path)` cannot be written",
        helps: ["make room, then apply again: what is done is kept"])
    default: self.init(.io, "`\(path)` cannot be used: \(String(cString: strerror(code)))")
    }
  }
}
