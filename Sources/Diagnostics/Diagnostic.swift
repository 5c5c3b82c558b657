/// A mistake in a recipe or on the command line, with its place.
///
/// The message stands alone and says what is wrong; the label says what is at the place; a note gives facts and a help gives a
/// change to make. Texts are lowercase, without a full stop, with backticks round code.
public struct Diagnostic: Error, Sendable, Hashable {
  public enum Severity: String, Sendable { case error, warning }

  /// A further place that matters, and what is there.
  public struct Label: Sendable, Hashable {
    public let place: Place
    public let text: String

    public init(_ place: Place, _ text: String) {
      self.place = place
      self.text = text
    }
  }

  public var severity: Severity
  public var message: String
  /// Where the mistake is; none for a mistake that has no text to point at.
  public var place: Place?
  /// What is at the place; empty where the message has said it.
  public var label: String
  public var others: [Label]
  public var notes: [String]
  public var helps: [String]

  public init(
    _ severity: Severity, _ message: String, at place: Place?, label: String = "", others: [Label] = [],
    notes: [String] = [], helps: [String] = []
  ) {
    self.severity = severity
    self.message = message
    self.place = place
    self.label = label
    self.others = others
    self.notes = notes
    self.helps = helps
  }

  /// An error.
  public init(
    _ message: String, at place: Place?, label: String = "", others: [Label] = [], notes: [String] = [],
    helps: [String] = []
  ) {
    self.init(.error, message, at: place, label: label, others: others, notes: notes, helps: helps)
  }
}

/// Several mistakes that were found in one go.
public struct DiagnosticsError: Error, Sendable {
  public let diagnostics: [Diagnostic]

  public init(_ diagnostics: [Diagnostic]) {
    precondition(diagnostics.contains { $0.severity == .error }, "a failure needs at least one error to report")
    self.diagnostics = diagnostics
  }
}
