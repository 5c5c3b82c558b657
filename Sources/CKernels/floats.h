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

#endif
