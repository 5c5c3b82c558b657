import Foundation
import Tensors

/// What this machine is, as far as it can be seen in numbers that went through BLAS, and what somebody asks first who cannot repeat
/// them. No part of any key, and nothing that names the machine or its owner.
enum Machine {
  static let environment: [String: String] = [
    "mergekit": Version.current, "blas": BLAS.kernelName, "processors": String(ProcessInfo.processInfo.processorCount),
    "system": ProcessInfo.processInfo.operatingSystemVersionString, "architecture": architecture,
  ]

  private static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "another"
    #endif
  }
}

/// The program's version.
public enum Version {
  public static let current = "0.1.0"
}
