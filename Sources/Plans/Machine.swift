import Foundation
import Tensors

/// What this machine is, as far as it can be seen in numbers that went through BLAS, and what somebody asks first who cannot repeat
/// them. No part of any key, and nothing that names the machine or its owner.
enum Machine {
  static let environment: [String: String] = [
    "mergekit": Version.current, "blas": BLAS.kernelName, "processors": String(ProcessInfo.processInfo.processorCount),
    "system": ProcessInfo.processInfo.operatingSystemVersionString, "architecture": architecture,
  ]

  /// Has the C library give back to the system what steps have freed. It keeps that for later, in a place for each thread, and so the
  /// steps that follow would hold more together than they may.
  static func giveBackFreedMemory() { _ = trim?(0) }

  /// Looked up by its name: not every C library has it.
  private static let trim = dlsym(nil, "malloc_trim").map {
    unsafeBitCast($0, to: (@convention(c) (_ kept: Int) -> CInt).self)
  }

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
