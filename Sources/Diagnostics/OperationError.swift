/// The recipe was fine and the world was not: shapes differ, a file is damaged, an input holds NaN.
///
/// A struct of facts. Whoever catches it adds the recipe line of the step that ran.
public struct OperationError: Error, Sendable, Hashable {
  /// What kind of trouble it is; decides the exit status.
  public enum Cause: Sendable, Hashable {
    /// The step could not be done with what it was given (1).
    case step
    /// Model or data files are not what they claim to be (65).
    case data
    /// A file or folder is not there (66).
    case missing
    /// The output cannot be created (73).
    case output
    /// Reading or writing failed, or the disk is full (74).
    case io
    /// Another process is in the way for now; trying again helps (75).
    case temporary
    /// What was stored is no longer what was stored (76).
    case corrupt
    /// Not allowed (77).
    case permission
    /// The registry was written by another version (78).
    case version
    /// The user stopped it (130).
    case interrupted
  }

  public var cause: Cause
  /// One sentence, lowercase, without a full stop; names the whole file or tensor and both sides.
  public var message: String
  public var notes: [String]
  public var helps: [String]

  public init(_ message: String, notes: [String] = [], helps: [String] = []) {
    self.init(.step, message, notes: notes, helps: helps)
  }

  public init(_ cause: Cause, _ message: String, notes: [String] = [], helps: [String] = []) {
    self.cause = cause
    self.message = message
    self.notes = notes
    self.helps = helps
  }

  /// The exit status that a process ends with when this stopped it (sysexits).
  public var exitStatus: Int32 {
    switch cause {
    case .step: 1
    case .data: 65
    case .missing: 66
    case .output: 73
    case .io: 74
    case .temporary: 75
    case .corrupt: 76
    case .permission: 77
    case .version: 78
    case .interrupted: 130
    }
  }
}
