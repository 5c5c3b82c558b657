import Diagnostics
import Formats
import Operations

/// A kind of adapter: what its tensors are called, and how they change a layer.
///
/// A new kind is a file like `IA3.swift` and a line in `AdapterKinds.all`. Attaching, counting, converting and exporting read
/// nothing else.
public protocol AdapterKind: Sendable {
  /// What `peft_type` in the configuration calls it.
  static var type: String { get }

  /// The tensors that a layer may have: what follows the module's path in their names.
  static var parts: [AdapterPart] { get }

  /// The configuration's fields that it takes account of, or that cannot change what its tensors mean; beside those that all
  /// kinds share.
  static var fields: Set<String> { get }

  /// - Throws: `OperationError` where the configuration asks for what is not done here.
  init(_ config: AdapterConfig) throws

  /// How one module's layer changes.
  /// - Throws: `OperationError` where a part is missing.
  func layer(_ module: AdapterModule) throws -> AdaptedLayer

  /// What it was begun by, where that took something out of the model: it then belongs to what was left.
  var startThatChangesModels: String? { get }
}

extension AdapterKind {
  public var startThatChangesModels: String? { nil }
}

/// One tensor that a layer may have.
public struct AdapterPart: Sendable, ExpressibleByStringLiteral {
  /// Such as `lora_A.weight`.
  public let name: String
  /// Whether it is trained; what is not stays as it began.
  public let isTrained: Bool
  /// Whether the layer's bias changes by it.
  public let changesBias: Bool

  public init(_ name: String, isTrained: Bool = true, changesBias: Bool = false) {
    (self.name, self.isTrained, self.changesBias) = (name, isTrained, changesBias)
  }

  public init(stringLiteral name: String) { self.init(name) }
}

/// All kinds of adapter there are.
public enum AdapterKinds {
  public static let all: [any AdapterKind.Type] = [
    LoRA.self,
    Kronecker.self,
    KroneckerSum.self,
    Tucker.self,
    LDU.self,
    Hydra.self,
    Poly.self,
    IA3.self,
    LoHa.self,
    TrainableTokens.self,
    Factors.self,
  ]

  /// The kind of an adapter.
  /// - Throws: `OperationError` where it is none of these.
  public static func kind(of adapter: Content) throws -> any AdapterKind.Type {
    let type = adapter.facts["peft_type"]?.string ?? "nothing"
    guard let kind = all.first(where: { $0.type == type }) else {
      throw OperationError(
        .data, "`\(adapter.label)` is an adapter of type `\(type)`, which is not known here",
        notes: ["known are \(all.map { "`\($0.type)`" }.joined(separator: ", "))"])
    }
    return kind
  }
}

/// The tensors that an adapter has for one module of a model.
public struct AdapterModule: Sendable {
  /// Where the module stands in the model, such as `model.layers.0.self_attn.q_proj`.
  public let path: String
  let parts: [String: TensorEntry]
  let label: String

  public subscript(part: String) -> TensorEntry? { parts[part] }

  /// How many there are.
  var count: Int { parts.count }

  /// A part that must be there.
  public func need(_ part: String) throws -> TensorEntry {
    if let entry = parts[part] { return entry }
    let there = parts.values.map(\.name).min().map { "`\($0)`, but" } ?? ""
    throw OperationError(.data, "`\(label)` has \(there) no `\(part)` for `\(path)`")
  }
}
