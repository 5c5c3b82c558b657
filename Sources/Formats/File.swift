import Diagnostics
import Foundation
import Tensors

/// A regular file that is open for reading. Nothing else is ever opened: no folder, device, pipe or socket.
public final class File: Sendable {
  public let path: String
  private let descriptor: Int32
  /// What the system said of it when it was opened.
  public let stamp: FileStamp

  /// - Throws: `OperationError`: missing, not allowed, not a regular file.
  public init(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw OperationError(opening: path, errno) }
    guard let stamp = FileStamp(descriptor: descriptor) else {
      close(descriptor)
      throw OperationError(.data, "`\(path)` is not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    self.stamp = stamp
  }

  deinit { close(descriptor) }

  /// Fills `bytes` from the file, beginning at an offset.
  public func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count {
      let count = pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw OperationError(.io, "`\(path)` cannot be read: \(String(cString: strerror(errno)))") }
      guard count > 0 else { throw OperationError(.data, "`\(path)` became shorter while it was read") }
      done += count
    }
  }

  public func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      try read(into: UnsafeMutableRawBufferPointer(bytes), at: offset)
      filled = count
    }
  }

  /// - Throws: `OperationError` where the file is not what it was when it was opened.
  public func checkUnchanged(since stamp: FileStamp) throws {
    guard FileStamp(descriptor: descriptor) == stamp else {
      throw OperationError(
        .data, "`\(path)` changed while it was read", helps: ["let whoever writes it finish, then apply again"])
    }
  }

  /// All bytes of a file that is small enough to hold.
  public static func contents(of path: String) throws -> [UInt8] {
    let file = try File(path)
    let bytes = try file.read(at: 0, count: file.stamp.size)
    try file.checkUnchanged(since: file.stamp)
    return bytes
  }
}

extension FileStamp {
  /// What the system says of a regular file; nil where there is none.
  public init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec) }
    #if os(Linux)
      let (modified, changed) = (status.st_mtim, status.st_ctim)
    #else
      let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
    #endif
    self.init(
      device: Int(truncatingIfNeeded: status.st_dev), inode: Int(truncatingIfNeeded: status.st_ino),
      size: Int(status.st_size), modified: nanoseconds(modified), changed: nanoseconds(changed))
  }
}

extension FileSlice {
  /// Reads the slice.
  /// - Throws: `OperationError` where the file is gone, cannot be read, or is not what it was.
  public func read() throws -> Buffer {
    let file = try File(path)
    try file.checkUnchanged(since: stamp)
    let buffer = try Buffer(count: count) { try file.read(into: $0, at: offset) }
    try file.checkUnchanged(since: stamp)
    return buffer
  }
}

extension OperationError {
  /// Why a file could not be opened for reading.
  init(opening path: String, _ code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self.init(.missing, "there is no file `\(path)`")
    case EACCES, EPERM: self.init(.permission, "`\(path)` may not be read")
    case EISDIR: self.init(.data, "`\(path)` is a folder, not a file")
    case ELOOP: self.init(.data, "`\(path)` is a symbolic link that leads nowhere")
    default: self.init(.io, "`\(path)` cannot be opened: \(String(cString: strerror(code)))")
    }
  }
}
