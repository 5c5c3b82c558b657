import Testing

@testable import Tensors

@Suite struct TensorTests {
  @Test(arguments: ConversionTests.floatTypes) func theFirstNonFiniteEntryIsFound(dtype: DType) {
    let values = (0..<10_001).map { Float($0) }
    #expect(Tensor(values, shape: [10_001]).converted(to: dtype == .f16 ? .bf16 : dtype).firstNonFinite == nil)
    for (place, value) in [(0, Float.nan), (1, .infinity), (2047, -.infinity), (9_000, -.nan), (10_000, .infinity)] {
      var entries = [Float](repeating: 1, count: 10_001)
      entries[place] = value
      entries[10_000] = .nan
      #expect(Tensor(entries, shape: [10_001]).converted(to: dtype).firstNonFinite == place)
    }
    #expect(Tensor([Float](), shape: [0]).converted(to: dtype).firstNonFinite == nil)
    #expect(Tensor([Float.greatestFiniteMagnitude], shape: [1]).firstNonFinite == nil)
  }

  @Test func whatHasNoInfinitiesIsFinite() {
    #expect(Tensor([Int.max, -1], shape: [2]).firstNonFinite == nil)
    #expect(Tensor(bytes: [0xFF], dtype: .u8, shape: [1]).firstNonFinite == nil)
  }

  @Test func rowsAreGathered() {
    let tensor = Tensor([0, 1, 10, 11, 20, 21] as [Float], shape: [3, 2])
    #expect(tensor.gatheringRows([2, 0, 2]).floats == [20, 21, 0, 1, 20, 21])
    #expect(tensor.gatheringRows([2, 0, 2]).shape == [3, 2])
    #expect(tensor.gatheringRows([]).shape == [0, 2])
    #expect(Tensor([7, 8, 9], shape: [3]).gatheringRows([1]).integers == [8])
    #expect(Tensor([Float](), shape: [3, 0]).gatheringRows([2, 1]).shape == [2, 0])
  }

  @Test func rowsOfEveryTypeAreGatheredFromAnywhere() {
    let buffer = Buffer(count: 7) { $0.copyBytes(from: [9, 1, 2, 3, 4, 5, 6] as [UInt8]) }
    let tensor = Tensor(dtype: .f8e4m3, shape: [3, 2], buffer: buffer, offset: 1)
    #expect(tensor.gatheringRows([1, 1, 2]).withBytes { Array($0) } == [3, 4, 3, 4, 5, 6])
  }
}
