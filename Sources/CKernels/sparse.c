// A product and a sum are never joined into one rounding: every processor gives the same bits, and so does Swift.
#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"
#include "clones.h"
#include "floats.h"

INLINED void difference(
    float *restrict results, const void *restrict entries, KernelFloat kind, const void *restrict base,
    KernelFloat baseKind, size_t count) {
  for (size_t index = 0; index < count; index++) {
    results[index] = as_float(bits_at(entries, kind, index)) - as_float(bits_at(base, baseKind, index));
  }
}

INLINED void difference_of(
    float *results, const void *entries, KernelFloat kind, const void *base, KernelFloat baseKind, size_t count) {
  switch (baseKind) {
  case KernelFloat32: return difference(results, entries, kind, base, KernelFloat32, count);
  case KernelBFloat16: return difference(results, entries, kind, base, KernelBFloat16, count);
  case KernelFloat16: return difference(results, entries, kind, base, KernelFloat16, count);
  }
}

CLONED void kernel_difference(
    float *results, const void *entries, KernelFloat kind, const void *base, KernelFloat baseKind, size_t count) {
  switch (kind) {
  case KernelFloat32: return difference_of(results, entries, KernelFloat32, base, baseKind, count);
  case KernelBFloat16: return difference_of(results, entries, KernelBFloat16, base, baseKind, count);
  case KernelFloat16: return difference_of(results, entries, KernelFloat16, base, baseKind, count);
  }
}

// The bits of a magnitude, which order as the numbers do.
INLINED int32_t magnitude(float value) { return (int32_t)(as_bits(value) & 0x7FFFFFFF); }

CLONED void kernel_count_around(
    const float *restrict entries, size_t count, const int32_t pivots[4], uint32_t larger[4], uint32_t smaller[4]) {
  int32_t p0 = pivots[0], p1 = pivots[1], p2 = pivots[2], p3 = pivots[3];
  uint32_t l0 = 0, l1 = 0, l2 = 0, l3 = 0, s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (size_t index = 0; index < count; index++) {
    int32_t bits = magnitude(entries[index]);
    l0 += bits > p0, l1 += bits > p1, l2 += bits > p2, l3 += bits > p3;
    s0 += bits < p0, s1 += bits < p1, s2 += bits < p2, s3 += bits < p3;
  }
  larger[0] = l0, larger[1] = l1, larger[2] = l2, larger[3] = l3;
  smaller[0] = s0, smaller[1] = s1, smaller[2] = s2, smaller[3] = s3;
}

INLINED size_t collect(uint32_t *found, const float *entries, size_t count, int32_t least, int32_t most) {
  size_t filled = 0;
  for (size_t index = 0; index < count; index++) {
    // Written in any case, and counted where it is between the two.
    int32_t bits = magnitude(entries[index]);
    found[filled] = (uint32_t)bits;
    filled += bits >= least && bits <= most;
  }
  return filled;
}

CLONED size_t kernel_collect(uint32_t *found, const float *entries, size_t count, int32_t least, int32_t most) {
  size_t filled = 0, whole = count & ~(size_t)31;
  for (size_t start = 0; start < whole; start += 32) {
    uint32_t inside = 0;
    for (size_t lane = 0; lane < 32; lane++) {
      int32_t bits = magnitude(entries[start + lane]);
      inside |= bits >= least && bits <= most;
    }
    if (inside) filled += collect(found + filled, entries + start, 32, least, most);
  }
  return filled + collect(found + filled, entries + whole, count - whole, least, most);
}

CLONED void kernel_keep_between(float *restrict entries, size_t count, int32_t least, int32_t below) {
  for (size_t index = 0; index < count; index++) {
    int32_t bits = magnitude(entries[index]);
    uint32_t kept = bits >= least && bits < below ? 0xFFFFFFFF : 0;
    entries[index] = as_float(as_bits(entries[index]) & kept);
  }
}

CLONED void kernel_add_scaled(
    double *restrict sums, const float *restrict entries, size_t count, double weight, int isFirst) {
  if (isFirst) {
    for (size_t index = 0; index < count; index++) sums[index] = 0 + weight * (double)entries[index];
  } else {
    for (size_t index = 0; index < count; index++) sums[index] += weight * (double)entries[index];
  }
}

CLONED void kernel_add_weighted(
    float *restrict sums, const float *restrict entries, size_t count, float factor, float weight, int isFirst) {
  if (isFirst) {
    for (size_t index = 0; index < count; index++) sums[index] = 0 + weight * (factor * entries[index]);
  } else {
    for (size_t index = 0; index < count; index++) sums[index] += weight * (factor * entries[index]);
  }
}

CLONED void kernel_elect(uint32_t *restrict signs, const float *restrict masses, size_t count, int zeroIsNegative) {
  if (zeroIsNegative) {
    for (size_t index = 0; index < count; index++) signs[index] = masses[index] > 0 ? 0 : 0x80000000;
  } else {
    for (size_t index = 0; index < count; index++) signs[index] = masses[index] < 0 ? 0x80000000 : 0;
  }
}

// All ones where the entry has the elected sign: positive as a whole number once that is taken away.
INLINED uint32_t agreement(uint32_t bits, uint32_t sign) { return (int32_t)(bits ^ sign) > 0 ? 0xFFFFFFFF : 0; }

CLONED void kernel_add_agreeing(
    float *restrict sums, float *restrict shares, const float *restrict entries, const uint32_t *restrict signs,
    uint32_t flip, size_t count, float factor, float weight, int isFirst) {
  uint32_t share = as_bits(weight);
  if (isFirst) {
    for (size_t index = 0; index < count; index++) {
      uint32_t agrees = agreement(as_bits(entries[index]) ^ flip, signs[index]);
      sums[index] = 0 + weight * (factor * as_float(as_bits(entries[index]) & agrees));
      shares[index] = as_float(share & agrees);
    }
  } else {
    for (size_t index = 0; index < count; index++) {
      uint32_t agrees = agreement(as_bits(entries[index]) ^ flip, signs[index]);
      sums[index] += weight * (factor * as_float(as_bits(entries[index]) & agrees));
      shares[index] += as_float(share & agrees);
    }
  }
}

CLONED void kernel_take_largest(
    float *restrict sums, const float *restrict entries, const uint32_t *restrict signs, uint32_t flip, size_t count,
    float factor, float weight, int isFirst) {
  for (size_t index = 0; index < count; index++) {
    uint32_t agrees = signs ? agreement(as_bits(entries[index]) ^ flip, signs[index]) : 0xFFFFFFFF;
    float part = weight * (factor * as_float(as_bits(entries[index]) & agrees));
    float best = isFirst ? 0 : sums[index];
    sums[index] = __builtin_fabsf(part) >= __builtin_fabsf(best) ? part : best;
  }
}

INLINED void move(
    float *restrict results, const void *restrict base, KernelFloat kind, const float *restrict sums,
    const float *restrict shares, float divisor, float least, float scale, size_t count) {
  for (size_t index = 0; index < count; index++) {
    float share = divisor;
    if (shares) {
      share = shares[index] == 0 ? 1 : shares[index];
      share = share < least ? least : share;
    }
    float entry = as_float(bits_at(base, kind, index));
    float change = scale * (sums[index] / share);
    results[index] = change == 0 ? entry : entry + change;
  }
}

CLONED void kernel_move(
    float *results, const void *base, KernelFloat kind, const float *sums, const float *shares, float divisor,
    float least, float scale, size_t count) {
  switch (kind) {
  case KernelFloat32: return move(results, base, KernelFloat32, sums, shares, divisor, least, scale, count);
  case KernelBFloat16: return move(results, base, KernelBFloat16, sums, shares, divisor, least, scale, count);
  case KernelFloat16: return move(results, base, KernelFloat16, sums, shares, divisor, least, scale, count);
  }
}

// Sixteen sums side by side, whatever the width of vectors.
CLONED double kernel_sum_magnitudes(const float *restrict entries, size_t count) {
  double sums[16] = {0};
  size_t whole = count & ~(size_t)15;
  for (size_t start = 0; start < whole; start += 16) {
    for (size_t lane = 0; lane < 16; lane++) sums[lane] += (double)__builtin_fabsf(entries[start + lane]);
  }
  for (size_t index = whole; index < count; index++) sums[index - whole] += (double)__builtin_fabsf(entries[index]);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; lane++) sums[lane] += sums[half + lane];
  }
  return sums[0];
}

CLONED double kernel_dot(const float *restrict a, const float *restrict b, size_t count) {
  double sums[16] = {0};
  size_t whole = count & ~(size_t)15;
  for (size_t start = 0; start < whole; start += 16) {
    for (size_t lane = 0; lane < 16; lane++) sums[lane] += (double)a[start + lane] * (double)b[start + lane];
  }
  for (size_t index = whole; index < count; index++) sums[index - whole] += (double)a[index] * (double)b[index];
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; lane++) sums[lane] += sums[half + lane];
  }
  return sums[0];
}

CLONED void kernel_add_deviations(
    double *restrict squares, const float *restrict entries, const double *restrict means, size_t count, int isFirst) {
  for (size_t index = 0; index < count; index++) {
    double deviation = (double)entries[index] - means[index];
    squares[index] = (isFirst ? 0 : squares[index]) + deviation * deviation;
  }
}
