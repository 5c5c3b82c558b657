import Fingerprints
import Formats
import Tensors

/// The kinds of artifact there are. A plugin brings its own by declaring another constant.
public struct ArtifactKind: Hashable, Sendable, CustomStringConvertible {
  public let name: String

  public init(_ name: String) { self.name = name }

  public var description: String { name }

  public static let checkpoint = ArtifactKind("checkpoint")
  public static let delta = ArtifactKind("delta")
  public static let adapter = ArtifactKind("adapter")
  public static let dataset = ArtifactKind("dataset")
  public static let fisher = ArtifactKind("fisher")
  public static let statistics = ArtifactKind("statistics")
  public static let metrics = ArtifactKind("metrics")
  public static let inventory = ArtifactKind("inventory")
  public static let population = ArtifactKind("population")
}

/// What every artifact is made of: facts, named tensors and side files.
///
/// The same value describes an artifact that is stored, one that is being made (its tensors are computed when they are asked
/// for, so a model is never held whole) and one that is only foreseen (no bytes; used to check shapes before anything runs).
public struct Content: Sendable {
  public let kind: ArtifactKind
  /// Facts about the whole, as an object: a model's configuration, a dataset's columns, the numbers of metrics.
  public var facts: JSON
  /// In the order in which they are written; names are unique.
  public var tensors: [TensorEntry]
  /// Files that belong to it: a tokenizer, a chat template.
  public var files: [SideFile]
  /// What errors call it: the slot it is bound to, such as `models[1]`, or what the recipe calls it.
  public var label: String

  public init(
    _ kind: ArtifactKind, facts: JSON = .object([]), tensors: [TensorEntry] = [], files: [SideFile] = [],
    label: String = ""
  ) {
    self.kind = kind
    self.facts = facts
    self.tensors = tensors
    self.files = files
    self.label = label
  }

  /// Bytes of all its tensors.
  public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

  /// The same without bytes: what is known before anything runs of a result that has the same tensors.
  public var foreseen: Content {
    var result = self
    result.tensors = tensors.map { TensorEntry(foreseen: $0.name, dtype: $0.dtype, shape: $0.shape) }
    return result
  }

  public func entry(_ name: String) -> TensorEntry? { tensors.first { $0.name == name } }

  /// The names and shapes of its tensors, in order.
  public var shapes: [(name: String, shape: Shape)] { tensors.map { ($0.name, $0.shape) } }

  /// Reads one tensor.
  public func tensor(_ name: String) throws -> Tensor {
    guard let entry = entry(name) else {
      preconditionFailure("asked `\(label)` for the tensor `\(name)`, which the outline has not promised")
    }
    return try entry.load()
  }
}

/// Writes the bytes of a run of a tensor's entries. One thread reads one run after another.
public typealias RunReader = (_ run: Range<Int>, _ bytes: UnsafeMutableRawBufferPointer) throws -> Void

/// One named tensor of an artifact, and the way to its bytes.
public struct TensorEntry: Sendable {
  public let name: String
  public let dtype: DType
  public let shape: Shape
  /// The digest of (dtype, shape, bytes), where it is known already; such a tensor is stored and need not be written again.
  public let digest: Digest?
  /// Where the bytes lie outside the registry, if they do: they are hashed there and never copied in.
  public let file: FileSlice?
  /// Reads or computes the tensor.
  public let load: @Sendable () throws -> Tensor
  /// Begins to read or compute it run by run; nil where it is only to be had whole.
  public let runs: @Sendable () throws -> RunReader?

  public init(
    _ name: String, dtype: DType, shape: Shape, digest: Digest? = nil, file: FileSlice? = nil,
    runs: @escaping @Sendable () throws -> RunReader? = { nil }, load: @escaping @Sendable () throws -> Tensor
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.digest = digest
    self.file = file
    self.load = load
    self.runs = runs
  }

  /// A tensor that lies in a model's folder, outside the registry.
  public init(_ entry: ModelFolder.Entry) {
    self.init(entry.name, dtype: entry.dtype, shape: entry.shape, file: entry.slice, in: entry.slice)
  }

  /// A tensor that lies in a file.
  public init(
    _ name: String, dtype: DType, shape: Shape, digest: Digest? = nil, file: FileSlice? = nil, in slice: FileSlice
  ) {
    self.init(name, dtype: dtype, shape: shape, digest: digest, file: file) {
      let read = try slice.reader()
      return { run, target in try read(run.lowerBound * dtype.size, target) }
    } load: {
      Tensor(dtype: dtype, shape: shape, buffer: try slice.read())
    }
  }

  /// A tensor that is at hand.
  public init(_ name: String, _ tensor: Tensor) {
    self.init(name, dtype: tensor.dtype, shape: tensor.shape) { tensor }
  }

  /// A tensor that is only foreseen: its bytes are not there yet.
  public init(foreseen name: String, dtype: DType, shape: Shape) {
    self.init(name, dtype: dtype, shape: shape) {
      preconditionFailure("the tensor `\(name)` was read although it is only foreseen")
    }
  }

  public var byteCount: Int { shape.count * dtype.size }
}

/// A small file that belongs to an artifact and is carried along with it.
public struct SideFile: Sendable, Hashable {
  /// A plain file name, without folders.
  public let name: String
  public let bytes: [UInt8]

  public init(_ name: String, _ bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
