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
