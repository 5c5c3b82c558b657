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

INLINED uint32_t accumulate(
    double *restrict sums, const void *restrict entries, KernelFloat kind, size_t count, double weight, int isFirst) {
  uint32_t found = 0;
  if (isFirst) {
    for (size_t index = 0; index < count; index++) {
      uint32_t bits = bits_at(entries, kind, index);
      double value = (double)as_float(bits);
      sums[index] = value == 0 ? value : weight * value;
      found |= stray(bits);
    }
  } else {
    for (size_t index = 0; index < count; index++) {
      uint32_t bits = bits_at(entries, kind, index);
      double value = (double)as_float(bits);
      double sum = sums[index] + weight * value;
      sums[index] = value == 0 ? sums[index] : sum;
      found |= stray(bits);
    }
  }
  return found >> 31;
}

CLONED uint32_t kernel_accumulate(
    double *sums, const void *entries, KernelFloat kind, size_t count, double weight, int isFirst) {
  switch (kind) {
  case KernelFloat32: return accumulate(sums, entries, KernelFloat32, count, weight, isFirst);
  case KernelBFloat16: return accumulate(sums, entries, KernelBFloat16, count, weight, isFirst);
  case KernelFloat16: return accumulate(sums, entries, KernelFloat16, count, weight, isFirst);
  }
}

INLINED uint32_t accumulate_from(
    double *restrict sums, const double *restrict origin, const void *restrict entries, KernelFloat kind, size_t count,
    double weight) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    double difference = (double)as_float(bits) - origin[index];
    double sum = sums[index] + weight * difference;
    sums[index] = difference == 0 ? sums[index] : sum;
    found |= stray(bits);
  }
  return found >> 31;
}

CLONED uint32_t kernel_accumulate_from(
    double *sums, const double *origin, const void *entries, KernelFloat kind, size_t count, double weight) {
  switch (kind) {
  case KernelFloat32: return accumulate_from(sums, origin, entries, KernelFloat32, count, weight);
  case KernelBFloat16: return accumulate_from(sums, origin, entries, KernelBFloat16, count, weight);
  case KernelFloat16: return accumulate_from(sums, origin, entries, KernelFloat16, count, weight);
  }
}

CLONED void kernel_add_doubles(double *restrict sums, const double *restrict entries, size_t count, double weight) {
  for (size_t index = 0; index < count; index++) {
    double sum = sums[index] + weight * entries[index];
    sums[index] = entries[index] == 0 ? sums[index] : sum;
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

INLINED uint32_t round_to(const double *restrict sums, void *restrict results, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) found |= store(results, kind, index, as_bits((float)sums[index]));
  return found >> 31;
}

CLONED uint32_t kernel_round(const double *sums, void *results, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return round_to(sums, results, KernelFloat32, count);
  case KernelBFloat16: return round_to(sums, results, KernelBFloat16, count);
  case KernelFloat16: return round_to(sums, results, KernelFloat16, count);
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

INLINED uint32_t widen(double *restrict results, const void *restrict entries, KernelFloat kind, size_t count) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits = bits_at(entries, kind, index);
    results[index] = (double)as_float(bits);
    found |= stray(bits);
  }
  return found >> 31;
}

CLONED uint32_t kernel_widen(double *results, const void *entries, KernelFloat kind, size_t count) {
  switch (kind) {
  case KernelFloat32: return widen(results, entries, KernelFloat32, count);
  case KernelBFloat16: return widen(results, entries, KernelBFloat16, count);
  case KernelFloat16: return widen(results, entries, KernelFloat16, count);
  }
}

CLONED double kernel_dot2048(const double *restrict a, const double *restrict b, double *restrict scratch) {
  for (size_t index = 0; index < 1024; index++) {
    scratch[index] = a[index] * b[index] + a[index + 1024] * b[index + 1024];
  }
  for (size_t half = 512; half > 0; half /= 2) {
    for (size_t index = 0; index < half; index++) scratch[index] += scratch[half + index];
  }
  return scratch[0];
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
