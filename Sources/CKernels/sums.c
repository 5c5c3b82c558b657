// A product and a sum are never joined into one rounding: every processor gives the same bits, and so does Swift.
#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"
#include "clones.h"
#include "floats.h"

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

// Up to four operands of one kind at once: the sum of an entry never leaves its register. Of an operand that is NaN or infinite the
// result is so too, whatever its weight.
INLINED uint32_t sum_few(
    const KernelSum *sum, const void *restrict a, const void *restrict b, const void *restrict c, const void *restrict d,
    void *restrict results, KernelFloat kind, int operands, size_t count) {
  const void *entries[4] = {a, b, c, d};
  const float weights[4] = {sum->weights[0], sum->weights[1], sum->weights[2], sum->weights[3]};
  const float divisor = sum->divisor, scale = sum->scale;
  const int isPlain = divisor == 1 && scale == 1;
  const uint32_t always = sum->isMean ? 0 : 1;
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t first = bits_at(a, kind, index);
    float total = weights[0] * as_float(first);
    uint32_t changes = always;
    for (int operand = 1; operand < operands; operand++) {
      uint32_t bits = bits_at(entries[operand], kind, index);
      total += weights[operand] * as_float(bits);
      changes |= bits ^ first;
    }
    if (!isPlain) total = scale * (total / divisor);
    found |= store(results, kind, index, changes ? as_bits(total) : first);
  }
  return found >> 31;
}

INLINED uint32_t sum_few_from(
    const KernelSum *sum, const void *restrict origin, const void *restrict a, const void *restrict b,
    const void *restrict c, void *restrict results, KernelFloat kind, int operands, size_t count) {
  const void *entries[3] = {a, b, c};
  const float weights[3] = {sum->weights[0], sum->weights[1], sum->weights[2]};
  const float divisor = sum->divisor, scale = sum->scale;
  const int isPlain = divisor == 1 && scale == 1;
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(origin, kind, index);
    float from = as_float(bits);
    float total = 0;
    for (int operand = 0; operand < operands; operand++) {
      uint32_t bits = bits_at(entries[operand], kind, index);
      total += weights[operand] * (as_float(bits) - from);
    }
    if (!isPlain) total = scale * (total / divisor);
    found |= store(results, kind, index, as_bits(total == 0 ? from : from + total));
  }
  return found >> 31;
}

INLINED uint32_t sum_of_kind(const KernelSum *sum, void *results, KernelFloat kind, size_t count) {
  const void *const *at = sum->entries;
  if (sum->hasOrigin) {
    switch (sum->operands) {
    case 2: return sum_few_from(sum, at[0], at[1], at[1], at[1], results, kind, 1, count);
    case 3: return sum_few_from(sum, at[0], at[1], at[2], at[2], results, kind, 2, count);
    default: return sum_few_from(sum, at[0], at[1], at[2], at[3], results, kind, 3, count);
    }
  }
  switch (sum->operands) {
  case 2: return sum_few(sum, at[0], at[1], at[1], at[1], results, kind, 2, count);
  case 3: return sum_few(sum, at[0], at[1], at[2], at[2], results, kind, 3, count);
  default: return sum_few(sum, at[0], at[1], at[2], at[3], results, kind, 4, count);
  }
}

CLONED uint32_t kernel_sum_few(const KernelSum *sum, void *results, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return sum_of_kind(sum, results, KernelFloat32, count);
  case KernelBFloat16: return sum_of_kind(sum, results, KernelBFloat16, count);
  case KernelFloat16: return sum_of_kind(sum, results, KernelFloat16, count);
  }
}
