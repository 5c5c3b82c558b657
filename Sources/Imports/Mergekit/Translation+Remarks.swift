import Diagnostics
import Operations
import Tensors

extension Translation {
  /// What of the file was understood in a way that a reader of it might not expect.
  mutating func addRemarks(on texts: [String]) {
    let method = document.method.value
    if let remark = method.remark { remarks.append(remark) }
    addRemarksOnPrecision()
    for name in Set(document.ignored.map(\.value)).sorted() {
      remarks.append("`\(name)` changes nothing in mergekit's result, and is left out.")
    }
    if document.base == nil, case .all = method.operands {
      remarks.append(
        "The first model gives configuration and tokenizer; without `base_model`, mergekit takes those of any model.")
    }
    for module in document.modules where module.slices.count > 1 { addRemarksOnSlices(of: module) }
    if texts.contains(where: { $0.contains("match layer {") }) {
      remarks.append(
        "mergekit's gradients have their first value for all that stands before and after the layers, the head among it; here "
          + "`_` of `match layer` says so.")
    }
  }

  private mutating func addRemarksOnSlices(of module: MergeModule) {
    let (first, last) = (module.slices[0].sources, module.slices[module.slices.count - 1].sources)
    remarks.append(
      "What stands before the layers comes from the first slice, what stands after them from the last, as in mergekit.")
    if last.count > first.count {
      remarks.append(
        "After the layers, mergekit merges only the first \(first.count) of the last slice's models; here all of them are."
      )
    }
    if let base = document.base, !first.contains(where: { $0.reference.isSame(as: base) }) {
      remarks.append(
        "Configuration and tokenizer are those of the first slice; mergekit takes those of `base_model`.")
    }
  }

  private mutating func addRemarksOnPrecision() {
    let stored = finder.models.compactMap { $0.model.expression == nil ? nil : $0.model.outline?.precisions }
      .reduce(into: Set<DType>()) { $0.formUnion($1) }
    let narrow = stored.subtracting([.f32, .f64])
    if let arithmetic = document.arithmetic, arithmetic != .f32 {
      remarks.append(
        "mergekit would calculate in \(arithmetic.torchName); here numbers are rounded once, at the end.")
    } else if document.arithmetic == nil, !narrow.isEmpty {
      remarks.append(
        "Without `dtype`, mergekit calculates in the precision of the files; here numbers are rounded once, at the end."
      )
    }
  }
}
