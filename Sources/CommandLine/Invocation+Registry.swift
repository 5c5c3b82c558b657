import Diagnostics
import Foundation
import Registry

extension Invocation {
  func openRegistry() throws -> Registry? { nil }
  func createRegistry() throws -> Registry { fatalError() }
}
