import Diagnostics
import Formats
import Operations
import Tensors

/// A plain text file as a dataset of one text.
struct TextDocument {
  private let bytes: [UInt8]
  private let path: String

  /// - Throws: `OperationError` where it is not UTF-8, or empty.
  init(path: String) throws {
    self.path = path
    bytes = try File.contents(of: path)
    guard String(validating: bytes, as: UTF8.self) != nil else {
      throw OperationError(.data, "`\(path)` is not UTF-8")
    }
  }

  func content(_ split: ReadDataset.Split) throws -> Content {
    let part = bytes[range(split)]
    guard !part.isEmpty else {
      throw OperationError(
        .data, "nothing of `\(path)` is in `.\(split.rawValue)`",
        helps: bytes.isEmpty ? [] : ["`split: .all` takes all of a short text"])
    }
    let text = Tensor(bytes: Array(part), dtype: .u8, shape: [part.count])
    return Content(
      .dataset, facts: ["rows": 1, "split": .string(split.rawValue)],
      tensors: [
        TensorEntry("text.text.bytes", text), TensorEntry("text.text.offsets", Tensor([0, part.count], shape: [2])),
      ])
  }

  private func range(_ split: ReadDataset.Split) -> Range<Int> {
    let ends = (train: lineEnd(after: bytes.count / 10 * 8), validation: lineEnd(after: bytes.count / 10 * 9))
    switch split {
    case .all: return 0..<bytes.count
    case .train: return 0..<ends.train
    case .validation: return ends.train..<max(ends.train, ends.validation)
    case .test: return max(ends.train, ends.validation)..<bytes.count
    }
  }

  /// Behind the first end of a line from a place on.
  private func lineEnd(after place: Int) -> Int {
    bytes[place...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
  }
}
