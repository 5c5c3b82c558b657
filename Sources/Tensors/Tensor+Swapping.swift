extension Tensor {
  /// b + w (x − b) with w = t / max(|x − b|, 10⁻⁶), from 0 to 1, as float32: what lies within t of the base becomes x, and
  /// what lies farther off moves by t.
  public static func nearSwap(_ base: Tensor, _ model: Tensor, within distance: Double) -> Tensor {
    blockwise([base, model]) { operands, count, result in
      let (base, model) = (operands[0], operands[1])
      for index in 0..<count {
        let (b, x) = (Double(base[index]), Double(model[index]))
        let apart = (x - b).magnitude
        let share = distance / (apart < 1e-6 ? 1e-6 : apart)
        let inside = share < 0 ? 0 : share
        let weight = inside > 1 ? 1 : inside
        result[index] = Float(weight * x + (1 - weight) * b)
      }
    }
  }

  /// One tensor's entries where those of a third are at least a threshold, the other's elsewhere, as float32.
  public static func choosing(
    _ first: Tensor, where measure: Tensor, isAtLeast threshold: Double, else second: Tensor
  ) -> Tensor {
    blockwise([first, measure, second]) { operands, count, result in
      let (first, measure, second) = (operands[0], operands[1], operands[2])
      for index in 0..<count { result[index] = Double(measure[index]) >= threshold ? first[index] : second[index] }
    }
  }
}
