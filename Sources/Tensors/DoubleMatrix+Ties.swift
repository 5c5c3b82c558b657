extension DoubleMatrix {
  /// One matrix of several by TIES (Yadav et al. 2023), as its authors' code has it: trim, elect, average what agrees.
  ///
  /// 1. Of each matrix with n entries, those stay whose magnitude is at least the (n − ⌊n · share⌋)-th smallest: one more than
  ///    the share says, and all equal ones. A share of 1 keeps everything.
  /// 2. Each place's sign is that of the sum of what stayed; where that is zero, that of the sum of all signs.
  /// 3. Each entry is the mean of what stayed there and has the sign; where nothing has, 0.
  public static func ties(_ matrices: [DoubleMatrix], keeping share: Double) -> DoubleMatrix {
    guard let first = matrices.first else { preconditionFailure("there is no matrix") }
    let cuts = matrices.map { $0.cut(keeping: share) }
    func trimmed(_ matrix: Int, _ place: Int) -> Double {
      let entry = matrices[matrix].entries[place]
      return entry.magnitude >= cuts[matrix] ? entry : 0
    }
    let sums = first.entries.indices.map { place in matrices.indices.reduce(0) { $0 + trimmed($1, place) } }
    let majority = sums.reduce(0) { $0 + ($1 > 0 ? 1 : $1 < 0 ? -1 : 0) }
    let merged = sums.indices.map { place -> Double in
      let isPositive = sums[place] == 0 ? majority > 0 : sums[place] > 0
      var (sum, count) = (0.0, 0.0)
      for matrix in matrices.indices {
        let entry = trimmed(matrix, place)
        guard isPositive ? entry > 0 : entry < 0 else { continue }
        sum += entry
        count += 1
      }
      return count == 0 ? 0 : sum / count
    }
    return DoubleMatrix(rows: first.rows, columns: first.columns, merged)
  }

  /// The least magnitude that stays.
  private func cut(keeping share: Double) -> Double {
    let dropped = entries.count - Int(Double(entries.count) * share)
    guard share < 1, dropped > 0, !entries.isEmpty else { return 0 }
    return entries.map(\.magnitude).sorted()[dropped - 1]
  }
}
