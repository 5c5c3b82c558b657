#include "CKernels.h"
#include "clones.h"
#include "floats.h"
#include "lanes.h"

CLONED void kernel_keep_masked(float *restrict entries, size_t count, const uint32_t *restrict mask, size_t first) {
  size_t index = 0;
  for (; index < count && (first + index) % wordBits != 0; index++) {
    uint32_t bit = mask[(first + index) / wordBits] >> (first + index) % wordBits & 1;
    entries[index] = as_float(as_bits(entries[index]) & -bit);
  }
  const uint32_t *words = mask + (first + index) / wordBits;
  for (; index + wordBits <= count; index += wordBits, words++) {
    for (uint32_t half = 0; half < 2; half++) {
      Words16 bits;
      memcpy(&bits, entries + index + half * lanes, sizeof bits);
      bits &= spread(*words, half);
      memcpy(entries + index + half * lanes, &bits, sizeof bits);
    }
  }
  for (uint32_t lane = 0; index < count; index++, lane++) {
    uint32_t bit = *words >> lane & 1;
    entries[index] = as_float(as_bits(entries[index]) & -bit);
  }
}

CLONED void kernel_compare_bytes(
    uint32_t *restrict below, uint32_t *restrict equal, const uint8_t *restrict bytes, size_t words, uint8_t limit) {
  for (size_t word = 0; word < words; word++) {
    Bytes32 numbers;
    memcpy(&numbers, bytes + word * wordBits, sizeof numbers);
    Bytes32 limits = (Bytes32){} + limit;
    below[word] = packed((Bytes32)(numbers < limits));
    equal[word] = packed((Bytes32)(numbers == limits));
  }
}

CLONED void kernel_mask_bytes(uint32_t *restrict mask, const uint8_t *restrict bytes, size_t words) {
  for (size_t word = 0; word < words; word++) {
    Bytes32 numbers;
    memcpy(&numbers, bytes + word * wordBits, sizeof numbers);
    mask[word] = packed(numbers & 1);
  }
}

// The bits of sixteen entries of a mask from a place on, the last of which is there.
INLINED uint32_t sixteen_bits(const uint32_t *mask, size_t place) {
  uint64_t bits = mask[place / wordBits];
  if (place % wordBits > lanes) bits |= (uint64_t)mask[place / wordBits + 1] << wordBits;
  return (uint32_t)(bits >> place % wordBits);
}

// Sixteen sums side by side of each kind, as `kernel_sum_magnitudes` has them.
CLONED void kernel_sum_masked_magnitudes(
    const float *restrict entries, size_t count, const uint32_t *restrict mask, size_t first, double *restrict all,
    double *restrict kept) {
  Doubles16 sums = {}, keptSums = {};
  size_t whole = count - count % lanes;
  for (size_t start = 0; start < whole; start += lanes) {
    Words16 words;
    memcpy(&words, entries + start, sizeof words);
    words &= 0x7FFFFFFF;
    Words16 left = words & spread(sixteen_bits(mask, first + start), 0);
    sums += __builtin_convertvector((Floats16)words, Doubles16);
    keptSums += __builtin_convertvector((Floats16)left, Doubles16);
  }
  for (size_t index = whole; index < count; index++) {
    size_t place = first + index;
    double magnitude = (double)__builtin_fabsf(entries[index]);
    sums[index - whole] += magnitude;
    keptSums[index - whole] += mask[place / wordBits] >> place % wordBits & 1 ? magnitude : 0;
  }
  for (size_t half = lanes / 2; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; lane++) {
      sums[lane] += sums[half + lane];
      keptSums[lane] += keptSums[half + lane];
    }
  }
  *all = sums[0];
  *kept = keptSums[0];
}
