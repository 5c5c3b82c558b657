import Dispatch
import Foundation
import Plans
import Synchronization

/// Ctrl-C and its like: the first asks the run to stop, the second ends the process at once.
public final class Interruption: Sendable {
  public let cancellation = Cancellation()
  private let signal = Atomic<Int32>(0)
  /// The sources that listen; a source is let go with this.
  private let sources = Mutex<[any DispatchSourceSignal]>([])

  public init() {}

  /// 128 and the signal's number: 130 for Ctrl-C, 143 for a request to terminate.
  var exitStatus: Int32 {
    let signal = signal.load(ordering: .relaxed)
    return 128 + (signal == 0 ? SIGINT : signal)
  }

  /// Begins to listen. Commands that have nothing to clean up never call this, and die of the signal as programs do.
  func listen() {
    sources.withLock { sources in
      sources = [SIGINT, SIGTERM, SIGHUP].map { number in
        Foundation.signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number)
        source.setEventHandler { [weak self] in self?.receive(number) }
        source.resume()
        return source
      }
    }
  }

  private func receive(_ number: Int32) {
    let isFirst = signal.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
    if isFirst { cancellation.cancel() } else { _exit(128 + number) }
  }
}
