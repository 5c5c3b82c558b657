#ifndef MERGEKIT_FLOATS_H
#define MERGEKIT_FLOATS_H

#include "CKernels.h"
#include "clones.h"

#include <string.h>

INLINED uint16_t half_at(const void *entries, size_t index) {
  uint16_t half;
  memcpy(&half, (const char *)entries + 2 * index, 2);
  return half;
}

INLINED uint32_t word_at(const void *entries, size_t index) {
  uint32_t word;
  memcpy(&word, (const char *)entries + 4 * index, 4);
  return word;
}

INLINED float as_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

INLINED uint32_t as_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

// All ones where a < b, which are below 2^31; else zero.
INLINED uint32_t below(uint32_t a, uint32_t b) { return (uint32_t)((int32_t)(a - b) >> 31); }

INLINED uint32_t float16_to_bits(uint16_t half) {
  uint32_t shifted = ((uint32_t)half & 0x7FFF) << 13;
  uint32_t special = below(0x0F7FFFFF, shifted);
  uint32_t normal = shifted + 0x38000000 + (0x38000000 & special);
  uint32_t subnormal = as_bits(as_float(shifted + 0x38800000) - 0x1p-14f);
  uint32_t small = below(shifted, 0x00800000);
  return (subnormal & small) | (normal & ~small) | ((uint32_t)half & 0x8000) << 16;
}

INLINED uint32_t bits_at(const void *entries, KernelFloat kind, size_t index) {
  switch (kind) {
  case KernelFloat32: return word_at(entries, index);
  case KernelBFloat16: return (uint32_t)half_at(entries, index) << 16;
  case KernelFloat16: return float16_to_bits(half_at(entries, index));
  }
}

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

#endif
