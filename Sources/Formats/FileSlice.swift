import Foundation

/// What the system says of a file: while it stays the same, so do the bytes.
public struct FileStamp: Sendable, Hashable {
  public let device: Int
  public let inode: Int
  public let size: Int
  /// Nanoseconds since 1970.
  public let modified: Int
  /// Nanoseconds since 1970, of the last change of content or of attributes.
  public let changed: Int

  public init(device: Int, inode: Int, size: Int, modified: Int, changed: Int) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
  }
}

extension FileStamp {
  /// What the system says of a regular file; nil where there is none.
  public init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// What the system says of an open file; nil where it is not a regular one.
  public init?(descriptor: Int32) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  private init?(_ status: stat) {
    guard status.st_mode & S_IFMT == S_IFREG else { return nil }
    #if os(Linux)
      let (modified, changed) = (status.st_mtim, status.st_ctim)
    #else
      let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
    #endif
    self.init(
      device: Int(truncatingIfNeeded: status.st_dev), inode: Int(truncatingIfNeeded: status.st_ino),
      size: Int(status.st_size), modified: Self.nanoseconds(modified), changed: Self.nanoseconds(changed))
  }

  /// Wraps round for years beyond 2262, which a file can claim; only equality matters.
  private static func nanoseconds(_ time: timespec) -> Int { Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec) }
}

/// Some bytes of a file, as they were when it was looked at.
public struct FileSlice: Sendable, Hashable {
  /// Absolute.
  public let path: String
  public let offset: Int
  public let count: Int
  public let stamp: FileStamp

  public init(path: String, offset: Int, count: Int, stamp: FileStamp) {
    self.path = path
    self.offset = offset
    self.count = count
    self.stamp = stamp
  }
}
