import Foundation

/// Small files that are called by numbers, a thousand to a folder: `receipts/0/12.json`.
///
/// A number is claimed by the file that has it, so numbers survive the loss of the index. They are given in order, by
/// whoever writes to the index at the time; at most the last few files can be ahead of it.
struct Ledger {
  let folder: String

  func path(_ number: Int) -> String { "\(folder)/\(number / 1000)/\(number).json" }

  func has(_ number: Int) -> Bool {
    var status = stat()
    return lstat(path(number), &status) == 0
  }

  /// The numbers of all files that are there, in order.
  func numbers() throws -> [Int] {
    try names(in: folder).compactMap { Int($0) }.sorted().flatMap { part in
      try names(in: "\(folder)/\(part)").compactMap { name in
        name.hasSuffix(".json") ? Int(name.dropLast(".json".count)) : nil
      }.filter { $0 / 1000 == part }.sorted()
    }
  }
}
