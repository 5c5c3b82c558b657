import Foundation

/// Whether a folder lies on a file system that several machines share.
func isOnNetwork(_ folder: String) -> Bool {
  #if os(Linux)
    var status = stat()
    guard stat(folder, &status) == 0, let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else {
      return false
    }
    // The device's number as the kernel writes it there.
    let device = UInt64(status.st_dev)
    let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    let minor = device & 0xFF | (device >> 12) & ~0xFF
    return isShared(device: "\(major):\(minor)", mounts: String(decoding: mounts, as: UTF8.self))
  #else
    var status = statfs()
    return statfs(folder, &status) == 0 && status.f_flags & UInt32(MNT_LOCAL) == 0
  #endif
}

/// Whether what the kernel lists as mounted says that a device is another machine's.
///
/// A line: `36 35 98:0 /root /mount/point options - type source options`.
func isShared(device: String, mounts: String) -> Bool {
  let shared: Set<Substring> = [
    "nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "ceph", "afs", "9p", "beegfs", "ocfs2", "gfs2", "fuse.sshfs",
    "fuse.glusterfs",
  ]
  return mounts.split(separator: "\n").contains { line in
    let fields = line.split(separator: " ")
    guard fields.count > 3, fields[2] == device, let dash = fields.firstIndex(of: "-") else { return false }
    return dash + 1 < fields.count && shared.contains(fields[dash + 1])
  }
}
