import Foundation

/// Whether a folder lies on a file system that several machines share.
func isOnNetwork(_ folder: String) -> Bool {
  #if os(Linux)
    return fileSystemName(of: folder).map(isShared) ?? false
  #else
    var status = statfs()
    return statfs(folder, &status) == 0 && status.f_flags & UInt32(MNT_LOCAL) == 0
  #endif
}

/// What the kernel calls the file system on which a folder lies: `ext4`.
func fileSystemName(of folder: String) -> String? {
  #if os(Linux)
    var status = stat()
    guard stat(folder, &status) == 0, let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else {
      return nil
    }
    // The device's number as the kernel writes it there.
    let device = UInt64(status.st_dev)
    let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    let minor = device & 0xFF | (device >> 12) & ~0xFF
    return fileSystemName(device: "\(major):\(minor)", mounts: String(decoding: mounts, as: UTF8.self))
  #else
    var status = statfs()
    guard statfs(folder, &status) == 0 else { return nil }
    return withUnsafeBytes(of: status.f_fstypename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  #endif
}

/// What the kernel's list of what is mounted calls the file system of a device.
///
/// A line: `36 35 98:0 /root /mount/point options - type source options`.
func fileSystemName(device: String, mounts: String) -> String? {
  for line in mounts.split(separator: "\n") {
    let fields = line.split(separator: " ")
    guard fields.count > 3, fields[2] == device, let dash = fields.firstIndex(of: "-") else { continue }
    if dash + 1 < fields.count { return String(fields[dash + 1]) }
  }
  return nil
}

/// Whether several machines share file systems of this name.
func isShared(fileSystem name: String) -> Bool {
  [
    "nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "ceph", "afs", "9p", "beegfs", "ocfs2", "gfs2", "fuse.sshfs",
    "fuse.glusterfs",
  ].contains(name)
}
