import Fingerprints
import Foundation
import Operations

/// One execution of a step, as recorded: what went in, what came out, and all that decided it.
public struct Run: Sendable, Hashable {
  /// A part of the key, kept with its printable value so that a plan can say `samples: 2048 → 4096`.
  public struct Component: Sendable, Hashable {
    public enum Role: String, Sendable { case operation, version, parameter, input, source }

    public let role: Role
    /// The slot, or for a source the file's name.
    public let name: String
    /// A setting's canonical text, an input's or a source's digest, the operation's name or version.
    public let value: String

    public init(_ role: Role, _ name: String, _ value: String) {
      self.role = role
      self.name = name
      self.value = value
    }
  }

  /// The number that the registry gave it; 0 before it is recorded.
  public var id: Int
  /// The digest of the components.
  public let key: Digest
  public let operation: String
  public let version: Int
  /// What the recipe calls the step; no part of the key.
  public let label: String
  /// The recipe's path as it was given; no part of the key.
  public let recipe: String
  public let components: [Component]
  /// The artifacts that went in, by slot, in order.
  public let inputs: [Input]
  public let output: Digest
  public let started: Date
  public let seconds: Double
  /// Facts about the machine that change no key: processor, BLAS kernel, program version.
  public let environment: [String: String]
  /// The figure that the operation reported while it ran, such as its loss; no part of the key.
  public let curve: Curve?

  public struct Input: Sendable, Hashable {
    public let slot: String
    public let artifact: Digest

    public init(slot: String, artifact: Digest) {
      self.slot = slot
      self.artifact = artifact
    }
  }

  public init(
    id: Int = 0, key: Digest, operation: String, version: Int, label: String, recipe: String, components: [Component],
    inputs: [Input], output: Digest, started: Date, seconds: Double, environment: [String: String], curve: Curve? = nil
  ) {
    self.id = id
    self.key = key
    self.operation = operation
    self.version = version
    self.label = label
    self.recipe = recipe
    self.components = components
    self.inputs = inputs
    self.output = output
    self.started = started
    self.seconds = seconds
    self.environment = environment
    self.curve = curve
  }
}
