import Foundation

/// What this process holds in memory.
enum ProcessMemory {
  /// Bytes that are resident now; nil where the system does not say it in `/proc`.
  static var resident: Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return pages.map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) }
  }
}
