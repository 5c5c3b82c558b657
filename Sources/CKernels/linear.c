// A product and a sum are never joined into one rounding: every processor gives the same bits, and so does Swift.
#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"
#include "clones.h"
#include "floats.h"

CLONED void kernel_add_changes(
    float *restrict results, const float *restrict entries, const double *restrict changes, double scale, size_t count) {
  for (size_t index = 0; index < count; index++) {
    float sum = (float)((double)entries[index] + scale * changes[index]);
    results[index] = changes[index] == 0 ? entries[index] : sum;
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
