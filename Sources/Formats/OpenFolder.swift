import CSystem
import Diagnostics
import Foundation

/// A folder that is open: whatever becomes of its path, it stays the same folder.
///
/// Names in it are single names, never paths, and none is followed where it is a symbolic link: so nobody can lead a writer
/// elsewhere by putting a link where a folder was.
public final class OpenFolder: Sendable {
  /// As errors call it.
  public let path: String
  let descriptor: Int32

  /// Opens a folder wherever its path leads.
  /// - Throws: `OperationError`.
  public convenience init(_ path: String) throws {
    let descriptor = retryingInterrupted { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw OperationError(writing: path + "/", errno) }
    self.init(path, descriptor)
  }

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// The folder of this name in it; nil where there is nothing of this name.
  /// - Throws: `OperationError` where it is something else, such as a symbolic link.
  public func folder(_ name: String) throws -> OpenFolder? {
    let place = "\(path)/\(name)"
    let found = retryingInterrupted { openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
    if found >= 0 { return OpenFolder(place, found) }
    let code = errno
    if code == ENOENT { return nil }
    if kind(of: name) == S_IFLNK {
      throw OperationError(.output, "`\(place)` is a symbolic link, and exports never follow one")
    }
    throw OperationError(writing: place + "/", code)
  }

  /// Makes a folder in it; false where something has the name.
  public func makeFolder(_ name: String) throws -> Bool {
    if mkdirat(descriptor, name, 0o777) == 0 { return true }
    guard errno == EEXIST else {
      throw OperationError(.output, "`\(path)/\(name)` cannot be made: \(String(cString: strerror(errno)))")
    }
    return false
  }

  /// What sort of thing has a name, as `S_IFMT` tells; nil where nothing has.
  public func kind(of name: String) -> mode_t? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode & S_IFMT : nil
  }

  /// Moves a thing out of it, under the same name, to where nothing has that name.
  /// - Returns: False where something has.
  public func move(_ name: String, to other: OpenFolder) throws -> Bool {
    if mergekit_move_unless_there(descriptor, name, other.descriptor, name) == 0 { return true }
    if errno == EEXIST || errno == ENOTEMPTY { return false }
    guard errno == EINVAL || errno == ENOSYS else { throw unmovable(name, to: other, errno) }
    // A file system that cannot do it at once: what comes there at this very moment is lost.
    if other.kind(of: name) != nil { return false }
    guard renameat(descriptor, name, other.descriptor, name) == 0 else { throw unmovable(name, to: other, errno) }
    return true
  }

  /// Lets the things of one name in two folders change places: at once where the file system can.
  public func exchange(_ name: String, with other: OpenFolder) throws {
    if mergekit_exchange(descriptor, name, other.descriptor, name) == 0 { return }
    guard errno == EINVAL || errno == ENOSYS else { throw unmovable(name, to: other, errno) }
    let aside = name + ".new"
    let moves = [(self, name, self, aside), (other, name, self, name), (self, aside, other, name)]
    for (from, old, to, new) in moves where renameat(from.descriptor, old, to.descriptor, new) != 0 {
      throw unmovable(name, to: other, errno)
    }
  }

  /// Makes its list of names durable.
  public func synchronize() throws {
    guard retryingInterrupted({ fsync(descriptor) }) == 0 || errno == EINVAL || errno == ENOTSUP else {
      throw OperationError(writing: path, errno)
    }
  }

  private func unmovable(_ name: String, to other: OpenFolder, _ code: Int32) -> OperationError {
    OperationError(.output, "`\(other.path)/\(name)` cannot be written: \(String(cString: strerror(code)))")
  }
}
