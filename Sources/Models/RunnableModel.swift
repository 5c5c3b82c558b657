import Diagnostics
import Fingerprints
import Formats
import Networks
import Operations
import Synchronization
import Tensors
import Tokenizers

/// A checkpoint that can be run: its network, checked against its headers, and its tokenizer.
public struct RunnableModel: Sendable {
  public let content: Content
  public let blueprint: Blueprint

  public var label: String { content.label }

  /// - Parameter head: Another head than its configuration names.
  /// - Throws: `OperationError` where its kind of network is not known, or its tensors do not fit its configuration.
  public init(_ checkpoint: Checkpoint, head: Head? = nil) throws {
    content = checkpoint.content
    blueprint = try Blueprint(config: checkpoint.config, tensors: content.shapes, of: content.label, head: head)
  }

  /// Its network with the weights in memory, in float32.
  /// - Throws: `OperationError` where a weight is NaN or infinite.
  public func network() throws -> Network { try blueprint.network { try content.finiteTensor($0) } }

  /// Bytes of its weights in float32.
  public var weightBytes: Int { blueprint.tensors.reduce(0) { $0 + $1.shape.count * 4 } }

  /// Bytes that it takes to run batches of a dataset: the weights in float32, what is kept beside them, and a pass at its peak.
  ///
  /// - Parameters:
  ///   - examples: The most of a batch.
  ///   - length: Tokens of the longest text; the model's context where it is nil.
  ///   - kept: Numbers that are kept for each weight.
  public func memory(for data: Dataset, examples: Int, length: Int?, _ work: NetworkWork, kept: Int = 0) -> Int {
    let rows = data.content.facts["rows"]?.integer ?? examples
    var (count, longest) = (min(examples, max(rows, 1)), 1)
    if case .tokens(_, let context, _, _) = blueprint.input {
      longest = min(length ?? context, context)
      count = ModelData.tokensOfPass / longest
      count = min(max(count, 1), examples)
    }
    return data.content.byteCount * 2 + weightBytes * (1 + kept)
      + blueprint.peak(examples: count, length: longest, work)
  }

  /// The most tokens of a text or window: as many as are asked for, else as the model reads.
  /// - Throws: `OperationError` where it does not read as many.
  @discardableResult
  public func longest(_ asked: Int?) throws -> Int {
    guard case .tokens(_, let context, _, _) = blueprint.input else { return 1 }
    guard let asked, asked > context else { return asked ?? context }
    throw OperationError(
      .step, "`length` is \(asked) tokens, and `\(label)` reads \(context)", helps: ["leave it out to read as many"])
  }

  /// Its tokenizer, which neither truncates nor pads by itself.
  /// - Throws: `OperationError` where there is none, or it asks for what is not supported.
  public func tokenizer() throws -> Tokenizer {
    guard let file = content.files.first(where: { $0.name == "tokenizer.json" }) else {
      throw OperationError(
        .data, "`\(label)` has no `tokenizer.json`, so it cannot read texts",
        helps: ["`AutoTokenizer.from_pretrained(…).save_pretrained(…)` of `transformers` writes one"])
    }
    return try Self.tokenizers.tokenizer(file.bytes, of: label)
  }

  private static let tokenizers = TokenizerCache()

  /// The result of training or changing it: the same checkpoint with other tensors, each in its own dtype.
  /// - Parameter tensors: By the checkpoint's names; those that are missing stay as they are.
  public func replacing(_ tensors: [String: Tensor]) -> Checkpoint {
    var result = content
    result.tensors = content.tensors.map { entry in
      guard let tensor = tensors[entry.name]?.converted(to: entry.dtype) else { return entry }
      return TensorEntry(entry.name, dtype: entry.dtype, shape: entry.shape) { tensor }
    }
    return Checkpoint(result)
  }
}

/// Tokenizers that were read lately: one is asked for by every step that runs a model, and reading it takes longer than a batch.
private final class TokenizerCache: Sendable {
  private let latest = Mutex<[(digest: Digest, tokenizer: Tokenizer)]>([])

  func tokenizer(_ bytes: [UInt8], of owner: String) throws -> Tokenizer {
    var encoder = FingerprintEncoder(domain: "mergekit-tokenizer/1")
    encoder.add(String(decoding: bytes, as: UTF8.self))
    let digest = encoder.digest
    if let found = latest.withLock({ $0.first { $0.digest == digest }?.tokenizer }) { return found }
    let tokenizer = try Tokenizer(bytes, name: "tokenizer.json", of: owner, keepsLengths: false)
    latest.withLock { latest in
      latest.append((digest, tokenizer))
      if latest.count > 4 { latest.removeFirst() }
    }
    return tokenizer
  }
}
