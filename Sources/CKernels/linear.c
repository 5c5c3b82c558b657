// A product and a sum are never joined into one rounding: every processor gives the same bits, and so does Swift.
#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"
#include "clones.h"
#include "floats.h"

INLINED uint16_t bits_to_bfloat16(uint32_t bits) {
  uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  uint32_t quiet = bits >> 16 | 0x40;
  uint32_t nan = below(0x7F800000, bits & 0x7FFFFFFF);
  return (uint16_t)((quiet & nan) | (rounded & ~nan));
}

INLINED uint16_t bits_to_float16(uint32_t bits) {
  uint32_t magnitude = bits & 0x7FFFFFFF;
  uint32_t normal = (magnitude + 0xC8000FFF + (magnitude >> 13 & 1)) >> 13;
  uint32_t subnormal = as_bits(as_float(magnitude) + 0.5f) - 0x3F000000;
  uint32_t small = below(magnitude, 0x38800000);
  uint32_t huge = below(0x477FFFFF, magnitude);
  uint32_t nan = below(0x7F800000, magnitude);
  uint32_t finite = (subnormal & small) | (normal & ~small);
  uint32_t beyond = 0x7C00 | (0x0200 & nan);
  return (uint16_t)((beyond & huge) | (finite & ~huge) | (bits >> 16 & 0x8000));
}

// The sign bit is set where the exponent is all ones, as those of NaN and of infinities are.
INLINED uint32_t stray(uint32_t bits) { return (bits & 0x7F800000) + 0x00800000; }

// The first operand, which the others are compared with.
INLINED uint32_t begin_sum(
    float *restrict sums, float *restrict first, const void *restrict entries, KernelFloat kind, size_t count,
    float weight) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    first[index] = as_float(bits);
    sums[index] = weight * as_float(bits);
    found |= stray(bits);
  }
  return found >> 31;
}

CLONED uint32_t kernel_begin_sum(
    float *sums, float *first, const void *entries, KernelFloat kind, size_t count, float weight) {
  switch (kind) {
  case KernelFloat32: return begin_sum(sums, first, entries, KernelFloat32, count, weight);
  case KernelBFloat16: return begin_sum(sums, first, entries, KernelBFloat16, count, weight);
  case KernelFloat16: return begin_sum(sums, first, entries, KernelFloat16, count, weight);
  }
}

INLINED uint32_t add_to_sum(
    float *restrict sums, const float *restrict first, uint32_t *restrict changes, const void *restrict entries,
    KernelFloat kind, size_t count, float weight, int isSecond) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    sums[index] += weight * as_float(bits);
    found |= stray(bits);
    if (changes) changes[index] = (isSecond ? 0 : changes[index]) | (bits ^ as_bits(first[index]));
  }
  return found >> 31;
}

INLINED uint32_t add_with_changes(
    float *sums, const float *first, uint32_t *changes, const void *entries, KernelFloat kind, size_t count,
    float weight, int isSecond) {
  if (!changes) return add_to_sum(sums, first, NULL, entries, kind, count, weight, 0);
  if (isSecond) return add_to_sum(sums, first, changes, entries, kind, count, weight, 1);
  return add_to_sum(sums, first, changes, entries, kind, count, weight, 0);
}

CLONED uint32_t kernel_add_to_sum(
    float *sums, const float *first, uint32_t *changes, const void *entries, KernelFloat kind, size_t count,
    float weight, int isSecond) {
  switch (kind) {
  case KernelFloat32: return add_with_changes(sums, first, changes, entries, KernelFloat32, count, weight, isSecond);
  case KernelBFloat16: return add_with_changes(sums, first, changes, entries, KernelBFloat16, count, weight, isSecond);
  case KernelFloat16: return add_with_changes(sums, first, changes, entries, KernelFloat16, count, weight, isSecond);
  }
}

INLINED uint32_t add_difference(
    float *restrict sums, const float *restrict origin, const void *restrict entries, KernelFloat kind, size_t count,
    float weight, int isFirst) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    sums[index] = (isFirst ? 0 : sums[index]) + weight * (as_float(bits) - origin[index]);
    found |= stray(bits);
  }
  return found >> 31;
}

INLINED uint32_t add_or_begin(
    float *sums, const float *origin, const void *entries, KernelFloat kind, size_t count, float weight, int isFirst) {
  if (isFirst) return add_difference(sums, origin, entries, kind, count, weight, 1);
  return add_difference(sums, origin, entries, kind, count, weight, 0);
}

CLONED uint32_t kernel_add_difference(
    float *sums, const float *origin, const void *entries, KernelFloat kind, size_t count, float weight, int isFirst) {
  switch (kind) {
  case KernelFloat32: return add_or_begin(sums, origin, entries, KernelFloat32, count, weight, isFirst);
  case KernelBFloat16: return add_or_begin(sums, origin, entries, KernelBFloat16, count, weight, isFirst);
  case KernelFloat16: return add_or_begin(sums, origin, entries, KernelFloat16, count, weight, isFirst);
  }
}

CLONED void kernel_add_changes(
    float *restrict results, const float *restrict entries, const double *restrict changes, double scale, size_t count) {
  for (size_t index = 0; index < count; index++) {
    float sum = (float)((double)entries[index] + scale * changes[index]);
    results[index] = changes[index] == 0 ? entries[index] : sum;
  }
}

// Stores a float's bits as a kind; the highest bit of what it returns is set where that is NaN or infinite.
INLINED uint32_t store(void *results, KernelFloat kind, size_t index, uint32_t bits) {
  switch (kind) {
  case KernelFloat32: {
    memcpy((char *)results + 4 * index, &bits, 4);
    return stray(bits);
  }
  case KernelBFloat16: {
    uint16_t half = bits_to_bfloat16(bits);
    memcpy((char *)results + 2 * index, &half, 2);
    return stray(bits);
  }
  case KernelFloat16: {
    uint16_t half = bits_to_float16(bits);
    memcpy((char *)results + 2 * index, &half, 2);
    return (((uint32_t)half & 0x7C00) + 0x0400) << 16;
  }
  }
}

INLINED uint32_t round_sum(
    const float *restrict sums, const float *restrict first, const uint32_t *restrict changes, float divisor,
    float scale, void *restrict results, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  if (changes) {
    for (size_t index = 0; index < count; index++) {
      float sum = scale * (sums[index] / divisor);
      found |= store(results, kind, index, as_bits(changes[index] ? sum : first[index]));
    }
  } else {
    for (size_t index = 0; index < count; index++) {
      found |= store(results, kind, index, as_bits(scale * (sums[index] / divisor)));
    }
  }
  return found >> 31;
}

CLONED uint32_t kernel_round_sum(
    const float *sums, const float *first, const uint32_t *changes, float divisor, float scale, void *results,
    KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return round_sum(sums, first, changes, divisor, scale, results, KernelFloat32, count);
  case KernelBFloat16: return round_sum(sums, first, changes, divisor, scale, results, KernelBFloat16, count);
  case KernelFloat16: return round_sum(sums, first, changes, divisor, scale, results, KernelFloat16, count);
  }
}

INLINED uint32_t narrow_to(const float *restrict entries, void *restrict results, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) found |= store(results, kind, index, as_bits(entries[index]));
  return found >> 31;
}

CLONED uint32_t kernel_narrow(const float *entries, void *results, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return narrow_to(entries, results, KernelFloat32, count);
  case KernelBFloat16: return narrow_to(entries, results, KernelBFloat16, count);
  case KernelFloat16: return narrow_to(entries, results, KernelFloat16, count);
  }
}

INLINED uint32_t widen(float *restrict results, const void *restrict entries, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    results[index] = as_float(bits);
    found |= stray(bits);
  }
  return found >> 31;
}

CLONED uint32_t kernel_widen(float *results, const void *entries, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return widen(results, entries, KernelFloat32, count);
  case KernelBFloat16: return widen(results, entries, KernelBFloat16, count);
  case KernelFloat16: return widen(results, entries, KernelFloat16, count);
  }
}

INLINED uint32_t strays(const void *entries, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) found |= stray(bits_at(entries, kind, index));
  return found >> 31;
}

CLONED uint32_t kernel_has_strays(const void *entries, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return strays(entries, KernelFloat32, count);
  case KernelBFloat16: return strays(entries, KernelBFloat16, count);
  case KernelFloat16: return strays(entries, KernelFloat16, count);
  }
}
