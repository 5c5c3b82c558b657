import Foundation
import Tensors

/// What this machine is, as far as it can be seen in numbers that went through BLAS. No part of any key.
enum Machine {
  static let environment: [String: String] = [
    "mergekit": Version.current, "blas": BLAS.kernelName, "processors": String(ProcessInfo.processInfo.processorCount),
  ]
}

/// The program's version.
public enum Version {
  public static let current = "0.1.0"
}
