/// Matrices and their singular values as textbooks write them, without BLAS or LAPACK: what spectral merges are compared with.
struct PlainMatrix {
  var rows: [[Double]]

  var height: Int { rows.count }
  var width: Int { rows.first?.count ?? 0 }

  init(_ rows: [[Double]]) { self.rows = rows }

  init(_ entries: [Double], width: Int) {
    rows = stride(from: 0, to: entries.count, by: width).map { Array(entries[$0..<$0 + width]) }
  }

  var entries: [Double] { rows.flatMap { $0 } }
  var transposed: PlainMatrix { PlainMatrix((0..<width).map { column in rows.map { $0[column] } }) }
  var squares: Double { entries.reduce(0) { $0 + $1 * $1 } }

  static func * (a: PlainMatrix, b: PlainMatrix) -> PlainMatrix {
    PlainMatrix(
      a.rows.map { row in
        (0..<b.width).map { column in row.indices.reduce(0) { $0 + row[$1] * b.rows[$1][column] } }
      })
  }

  static func * (scale: Double, a: PlainMatrix) -> PlainMatrix { PlainMatrix(a.rows.map { $0.map { scale * $0 } }) }
  static func + (a: PlainMatrix, b: PlainMatrix) -> PlainMatrix { a.combined(b, +) }
  static func - (a: PlainMatrix, b: PlainMatrix) -> PlainMatrix { a.combined(b, -) }

  private func combined(_ other: PlainMatrix, _ combine: (Double, Double) -> Double) -> PlainMatrix {
    PlainMatrix(zip(rows, other.rows).map { zip($0, $1).map { combine($0.0, $0.1) } })
  }

  static func total(_ matrices: [PlainMatrix]) -> PlainMatrix { matrices.dropFirst().reduce(matrices[0], +) }

  /// Singular triplets, the largest value first, by Jacobi's rotations of pairs of columns until all are orthogonal.
  ///
  /// `left` holds the left vectors as rows, `right` the right ones.
  var singular: (left: [[Double]], values: [Double], right: [[Double]]) {
    if height < width {
      let turned = transposed.singular
      return (turned.right, turned.values, turned.left)
    }
    var columns = transposed.rows
    var rotations = (0..<width).map { row in (0..<width).map { $0 == row ? 1.0 : 0 } }
    for _ in 0..<60 {
      for p in 0..<width {
        for q in p + 1..<max(width, p + 1) {
          let (a, b, c) = (dot(columns[p], columns[p]), dot(columns[q], columns[q]), dot(columns[p], columns[q]))
          guard abs(c) > 1e-300, abs(c) > 1e-17 * (a * b).squareRoot() else { continue }
          let zeta = (b - a) / (2 * c)
          let tangent = (zeta < 0 ? -1 : 1) / (abs(zeta) + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          rotate(&columns, p, q, cosine, cosine * tangent)
          rotate(&rotations, p, q, cosine, cosine * tangent)
        }
      }
    }
    let norms = columns.map { dot($0, $0).squareRoot() }
    let order = norms.indices.sorted { norms[$0] > norms[$1] }
    return (
      order.map { column in columns[column].map { norms[column] == 0 ? 0 : $0 / norms[column] } },
      order.map { norms[$0] }, order.map { rotations[$0] }
    )
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  private func rotate(_ vectors: inout [[Double]], _ p: Int, _ q: Int, _ cosine: Double, _ sine: Double) {
    for index in vectors[p].indices {
      let (x, y) = (vectors[p][index], vectors[q][index])
      (vectors[p][index], vectors[q][index]) = (cosine * x - sine * y, sine * x + cosine * y)
    }
  }

  /// U · Vᵀ of a matrix of full rank.
  var polar: PlainMatrix {
    let found = singular
    return PlainMatrix(found.left).transposed * PlainMatrix(found.right)
  }
}

/// The spectral merges of one matrix's changes, step by step as their papers have them.
enum PlainSpectralMerge {
  static func isoC(_ changes: [PlainMatrix]) -> PlainMatrix {
    let total = PlainMatrix.total(changes)
    let values = total.singular.values
    return values.reduce(0, +) / Double(values.count) * total.polar
  }

  static func isoCts(_ changes: [PlainMatrix], common: Double) -> PlainMatrix {
    let (size, count) = (min(changes[0].height, changes[0].width), changes.count)
    let wanted = size - Int(Double(size) * common)
    let own = Int((Double(wanted) / Double(count)).rounded(.toNearestOrEven))
    let shared = PlainMatrix.total(changes).singular
    let kept = size - own * count
    let basis = PlainMatrix(Array(shared.left.prefix(kept))).transposed
    var (left, values, right): ([[Double]], [Double], [[Double]]) = ([], [], [])
    for change in changes {
      let found = (kept == 0 ? change : change - basis * (basis.transposed * change)).singular
      left += found.left.prefix(own)
      values += found.values.prefix(own)
      right += found.right.prefix(own)
    }
    left += shared.left.prefix(kept)
    values += shared.values.prefix(kept)
    right += shared.right.prefix(kept)
    let mean = values.reduce(0, +) / Double(values.count)
    return mean * (PlainMatrix(left).transposed.polar * PlainMatrix(right).polar)
  }

  static func tsvM(_ changes: [PlainMatrix]) -> PlainMatrix {
    let own = Int(Double(min(changes[0].height, changes[0].width)) * (1 / Double(changes.count)))
    let parts = changes.map(\.singular)
    let left = PlainMatrix(parts.flatMap { $0.left.prefix(own) }).transposed.polar
    let right = PlainMatrix(parts.flatMap { $0.right.prefix(own) }).polar
    let values = parts.flatMap { $0.values.prefix(own) }
    return left * PlainMatrix(zip(values, right.rows).map { value, row in row.map { value * $0 } })
  }

  static func wudi(_ changes: [PlainMatrix], steps: Int, rate: Double) -> PlainMatrix {
    var position = PlainMatrix.total(changes)
    var (first, second) = (0 * position, 0 * position)
    var (firstPower, secondPower) = (1.0, 1.0)
    for _ in 0..<steps {
      let gradient = PlainMatrix.total(
        changes.map { 2 / $0.squares * ((position - $0) * ($0.transposed * $0)) })
      (firstPower, secondPower) = (firstPower * 0.9, secondPower * 0.999)
      for row in position.rows.indices {
        for column in position.rows[row].indices {
          let slope = gradient.rows[row][column]
          first.rows[row][column] = 0.9 * first.rows[row][column] + 0.1 * slope
          second.rows[row][column] = 0.999 * second.rows[row][column] + 0.001 * slope * slope
          let mean = first.rows[row][column] / (1 - firstPower)
          let deviation = (second.rows[row][column] / (1 - secondPower)).squareRoot()
          position.rows[row][column] -= rate * mean / (deviation + 1e-8)
        }
      }
    }
    return position
  }

  static func svc(_ merged: PlainMatrix, _ changes: [PlainMatrix], alpha: Double) -> PlainMatrix {
    let found = merged.singular
    var result = 0 * merged
    for (u, (value, v)) in zip(found.left, zip(found.values, found.right)) {
      let along = (PlainMatrix([u]) * merged).rows[0]
      let covered = changes.reduce(0.0) { sum, change in
        let own = (PlainMatrix([u]) * change).rows[0]
        let inner = zip(along, own).reduce(0) { $0 + $1.0 * $1.1 }
        return sum + max(alpha, inner / max(own.reduce(0) { $0 + $1 * $1 }, 1e-12))
      }
      result = result + Double(changes.count) / covered * value * (PlainMatrix(u.map { [$0] }) * PlainMatrix([v]))
    }
    return result
  }

  static func knots(_ changes: [PlainMatrix], density: Double) -> PlainMatrix {
    let width = changes[0].width
    let joined = PlainMatrix(changes[0].rows.indices.map { row in changes.flatMap { $0.rows[row] } })
    let found = joined.singular
    let kept = found.values.indices.filter { found.values[$0] > 1e-5 }
    let blocks = changes.indices.map { model in
      kept.flatMap { r in (0..<width).map { found.values[r] * found.right[r][model * width + $0] } }
    }
    let trimmed = blocks.map { block -> [Double] in
      let dropped = block.count - Int(Double(block.count) * density)
      let cut = density >= 1 ? 0 : block.map(\.magnitude).sorted()[max(dropped - 1, 0)]
      return block.map { $0.magnitude >= cut ? $0 : 0 }
    }
    var signs = blocks[0].indices.map { entry in sign(trimmed.reduce(0) { $0 + $1[entry] }) }
    let majority = sign(signs.reduce(0, +))
    signs = signs.map { $0 == 0 ? majority : $0 }
    let means = signs.indices.map { entry -> Double in
      let agreeing = trimmed.map { $0[entry] }.filter { signs[entry] > 0 ? $0 > 0 : $0 < 0 }
      return agreeing.isEmpty ? 0 : agreeing.reduce(0, +) / Double(agreeing.count)
    }
    return PlainMatrix(kept.map { found.left[$0] }).transposed * PlainMatrix(means, width: width)
  }

  private static func sign(_ number: Double) -> Double { number > 0 ? 1 : number < 0 ? -1 : 0 }
}
