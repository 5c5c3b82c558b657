import CSystem
import Diagnostics
import Foundation
import Tensors

/// A regular file that is open for reading. Nothing else is ever opened: no folder, device, pipe or socket.
public final class File: Sendable {
  public let path: String
  private let descriptor: Int32
  /// What the system said of it when it was opened.
  public let stamp: FileStamp

  /// Without `O_NONBLOCK`, opening a pipe waits for someone to write to it.
  private static let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK

  /// - Throws: `OperationError`: missing, not allowed, not a regular file.
  public convenience init(_ path: String) throws {
    // The system would take such a path for what stands before the zero.
    guard !path.utf8.contains(0) else { throw OperationError(.data, "`\(path)` holds a zero byte, as no path does") }
    try self.init(path, descriptor: retryingInterrupted { open(path, Self.flags) })
  }

  /// Opens a file in a folder or below it, wherever symbolic links lead, but never outside that folder.
  ///
  /// - Parameters:
  ///   - name: Seen from the folder.
  ///   - folder: Absolute, without symbolic links.
  ///   - path: What the file is called.
  convenience init(_ name: String, beneath folder: String, calledAs path: String) throws {
    let open = try OpenFolder(folder)
    let descriptor = retryingInterrupted { mergekit_open_beneath(open.descriptor, name, Self.flags) }
    // A kernel that cannot do it, or may not: then the caller's look at where the path leads must do.
    if descriptor < 0, errno == ENOSYS || errno == EPERM {
      try self.init(path)
    } else {
      try self.init(path, descriptor: descriptor)
    }
  }

  /// - Parameter descriptor: Negative where `errno` says why there is none.
  private init(_ path: String, descriptor: Int32) throws {
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
      let count = retryingInterrupted {
        pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      }
      guard count >= 0 else { throw OperationError(reading: path, errno) }
      guard count > 0 else { throw changed }
      done += count
    }
  }

  /// Reads some bytes, all of which the file has.
  public func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      try read(into: UnsafeMutableRawBufferPointer(bytes), at: offset)
      filled = count
    }
  }

  /// - Throws: `OperationError` where the file is not what it was.
  public func checkUnchanged(since stamp: FileStamp) throws {
    guard FileStamp(descriptor: descriptor) == stamp else { throw changed }
  }

  private var changed: OperationError {
    OperationError(
      .data, "`\(path)` changed while it was read", helps: ["let whoever writes it finish, then apply again"])
  }

  /// All bytes of a file that is small enough to hold.
  /// - Throws: `OperationError`, also where it has more bytes than `limit`.
  public static func contents(of path: String, limit: Int = 1 << 31) throws -> [UInt8] {
    try File(path).contents(limit: limit)
  }

  /// All its bytes.
  /// - Throws: `OperationError`, also where it has more than `limit`.
  func contents(limit: Int) throws -> [UInt8] {
    guard stamp.size <= limit else {
      throw OperationError(.data, "`\(path)` has \(stamp.size) bytes, and at most \(limit) are read of such a file")
    }
    let bytes = try read(at: 0, count: stamp.size)
    try checkUnchanged(since: stamp)
    return bytes
  }

  /// Maps all bytes into memory.
  func map() throws -> Buffer {
    let count = stamp.size
    if count == 0 { return Buffer(count: 0) { _ in } }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw OperationError(reading: path, errno)
    }
    return Buffer(taking: UnsafeRawBufferPointer(start: base, count: count)) { bytes in
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
  }
}

extension File {
  /// Has the system forget what it remembers of a file's bytes, so that whoever reads it next asks the disk. What was not written yet
  /// stays, and not every file system does it.
  public static func forget(_ path: String) {
    #if os(Linux)
      let descriptor = retryingInterrupted { open(path, flags) }
      guard descriptor >= 0 else { return }
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      close(descriptor)
    #endif
  }
}

extension FileSlice {
  /// Reads the slice.
  /// - Throws: `OperationError` where the file is gone, cannot be read, or is not what it was.
  public func read() throws -> Buffer {
    guard count <= ProcessInfo.processInfo.physicalMemory else {
      let memory = ProcessInfo.processInfo.physicalMemory
      throw OperationError(
        .step, "\(count) bytes of `\(path)` are wanted at once, and this machine has \(memory) bytes of memory")
    }
    let file = try File(path)
    try file.checkUnchanged(since: stamp)
    let buffer = try Buffer(count: count) { try file.read(into: $0, at: offset) }
    try file.checkUnchanged(since: stamp)
    return buffer
  }
}

extension FileSlice {
  /// Opens the file, to read the slice piece by piece: bytes counted from its beginning, as many as fit the target.
  /// - Throws: `OperationError`, also at each piece, where the file is gone, cannot be read, or is not what it was.
  public func reader() throws -> (_ offset: Int, _ target: UnsafeMutableRawBufferPointer) throws -> Void {
    let file = try File(path)
    try file.checkUnchanged(since: stamp)
    return { start, target in
      precondition(start >= 0 && start + target.count <= count, "only the slice is read")
      try file.read(into: target, at: offset + start)
      try file.checkUnchanged(since: stamp)
    }
  }
}

extension Buffer {
  /// All bytes of a file, mapped: only for files that nobody shortens, because reading past the new end kills the process.
  /// - Throws: `OperationError`.
  public static func mapping(_ path: String) throws -> Buffer { try File(path).map() }
}

/// Calls the system again for as long as a signal interrupts the call.
func retryingInterrupted<Result: BinaryInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}

extension OperationError {
  /// Why a file could not be opened for reading.
  fileprivate init(opening path: String, _ code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self.init(.missing, "there is no file `\(path)`")
    case EACCES, EPERM: self.init(.permission, "`\(path)` may not be read")
    case ELOOP: self.init(.data, "`\(path)` is a symbolic link that leads nowhere")
    case EXDEV: self.init(.data, "`\(path)` is a symbolic link that leads outside its folder")
    case ENXIO: self.init(.data, "`\(path)` is not a regular file")
    default: self.init(.io, "`\(path)` cannot be opened: \(String(cString: strerror(code)))")
    }
  }

  fileprivate init(reading path: String, _ code: Int32) {
    self.init(.io, "`\(path)` cannot be read: \(String(cString: strerror(code)))")
  }
}
