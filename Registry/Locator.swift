import Diagnostics
import Fingerprints
import Formats

/// Finds where tensors lie now; looks at each file once.
struct Locator {
  private let registry: Registry
  private var stamps: [String: FileStamp?] = [:]
  /// Objects that are there, but not as they were when they were last looked at.
  private(set) var doubtful: Set<String> = []

  init(_ registry: Registry) { self.registry = registry }

  /// Whether an object that describes an artifact is there as it was.
  mutating func hasObject(ofArtifact id: Int, _ index: Connection) throws -> Bool {
    try index.first("SELECT path, device, inode, size, modified, changed FROM file WHERE artifact = ? ORDER BY id", id)
    {
      try isCurrent($0.text(0), $0.stamp(1)) ? true : nil
    } ?? false
  }

  /// Where a tensor lies, in a file that is as it was.
  mutating func slice(of part: Manifest.Part, tensor: Int, _ index: Connection) throws -> FileSlice? {
    try index.first(
      """
      SELECT path, device, inode, size, modified, changed, start, seal
      FROM location JOIN file ON file.id = location.file
      WHERE tensor = ? ORDER BY location.file, start
      """, tensor
    ) { row in
      let (name, start) = (try row.text(0), try row.integer(6))
      guard try isCurrent(name, row.stamp(1)) else { return nil }
      let seal = try row.integer(7)
      guard let stamp = stamps[name] ?? nil, seal == Location.seal(part.digest, name, start) else {
        throw row.damaged("a location", 6)
      }
      return FileSlice(path: registry.layout.absolute(name), offset: start, count: part.byteCount, stamp: stamp)
    }
  }

  private mutating func isCurrent(_ name: String, _ known: FileStamp) -> Bool {
    let stamp: FileStamp?
    if let seen = stamps[name] {
      stamp = seen
    } else {
      stamp = FileStamp(path: registry.layout.absolute(name))
      stamps[name] = .some(stamp)
    }
    guard let stamp else { return false }
    if stamp == known || registry.verified.withLock({ $0[name] }) == stamp { return true }
    if !name.hasPrefix("/") { doubtful.insert(name) }
    return false
  }
}
