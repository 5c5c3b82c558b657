import Diagnostics
import Formats
import Foundation

/// Gives a finished file its name for good, unless something has that name already.
///
/// - Returns: False where the name is taken; the file then stays where it is.
func giveName(_ path: String, _ target: String) throws -> Bool {
  try makeFolder(above: target)
  guard link(path, target) != 0 else {
    unlink(path)
    try synchronizeFolder(above: target)
    return true
  }
  switch errno {
  case EEXIST: return false
  case EPERM, EOPNOTSUPP, ENOSYS, EMLINK:
    // A file system without second names. Two processes that get here together move the same content.
    var status = stat()
    if lstat(target, &status) == 0 { return false }
    try replace(target, with: path)
    return true
  default: throw OperationError(registry: target, errno)
  }
}

/// Puts a finished file in another's place, at once.
func replace(_ target: String, with path: String) throws {
  try makeFolder(above: target)
  guard rename(path, target) == 0 else { throw OperationError(registry: target, errno) }
  try synchronizeFolder(above: target)
}

/// Makes a folder that is to hold numbered or hashed files, and makes its name durable.
private func makeFolder(above path: String) throws {
  let folder = (path as NSString).deletingLastPathComponent
  if mkdir(folder, 0o777) == 0 { return try synchronizeFolder(above: folder) }
  guard errno == EEXIST else { throw OperationError(registry: folder, errno) }
}

private func synchronizeFolder(above path: String) throws {
  try synchronizeFolder((path as NSString).deletingLastPathComponent)
}
