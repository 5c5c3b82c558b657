import Foundation
import Synchronization

/// One of the program's streams of text: a file descriptor, or memory for a test.
public final class TextStream: Sendable {
  /// Whether a person looks at it through a terminal that moves its cursor.
  public let isTerminal: Bool
  /// None for memory.
  private let descriptor: Int32?
  private let state = Mutex(State())

  private struct State {
    var text: [UInt8] = []
    var failure: Int32 = 0
  }

  /// Writes to a file descriptor.
  public init(descriptor: Int32) {
    self.descriptor = descriptor
    isTerminal = isatty(descriptor) != 0
  }

  /// Keeps what is written.
  public init(inMemoryAsTerminal isTerminal: Bool = false) {
    descriptor = nil
    self.isTerminal = isTerminal
  }

  /// Writes at once. After a failure nothing more is written.
  public func write(_ text: String) {
    state.withLock { state in
      guard let descriptor else {
        state.text += text.utf8
        return
      }
      var bytes = Array(text.utf8)[...]
      while !bytes.isEmpty, state.failure == 0 {
        let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { state.failure = errno }
      }
    }
  }

  /// Writes a line.
  public func writeLine(_ line: String = "") { write(line + "\n") }

  /// What was kept.
  public var written: String { state.withLock { String(decoding: $0.text, as: UTF8.self) } }

  /// Why writing stopped, unless it was because the reader had seen enough, as `head` does.
  public var failure: String? {
    let code = state.withLock(\.failure)
    return code == 0 || code == EPIPE ? nil : String(cString: strerror(code))
  }

  /// Columns of the terminal; none where it cannot be told.
  var columns: Int? { size.flatMap { $0.ws_col > 0 ? Int($0.ws_col) : nil } }

  /// Rows of the terminal; none where it cannot be told.
  var rows: Int? { size.flatMap { $0.ws_row > 0 ? Int($0.ws_row) : nil } }

  private var size: winsize? {
    guard let descriptor, isTerminal else { return nil }
    var size = winsize()
    return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
  }
}
