/// The loops that must run at the speed of the machine, compiled for several widths of vectors; the widest that the running
/// processor has is chosen when the program is loaded. Each has a plain reference in Swift that gives the same bits.
///
/// Pointers to entries need no alignment.

#ifndef MERGEKIT_CKERNELS_H
#define MERGEKIT_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// How floats are stored.
typedef enum { KernelFloat32, KernelBFloat16, KernelFloat16 } KernelFloat;

/// sums = (isFirst ? 0 : sums) + weight · entries, in float64. Zeros add nothing, and a sum of zeros has the sign of the first:
/// so a sum of copies is the copy, whatever the weights.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_accumulate(
    double *sums, const void *entries, KernelFloat kind, size_t count, double weight, int isFirst);

/// sums += weight · (entries - origin), in float64; entries that equal the origin's add nothing.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_accumulate_from(
    double *sums, const double *origin, const void *entries, KernelFloat kind, size_t count, double weight);

/// The sums rounded to float32, and from there to the result's kind, to nearest even.
/// Returns 0, or another number where a result is NaN or infinite.
uint32_t kernel_round(const double *sums, void *results, KernelFloat kind, size_t count);

/// Entries as float64: exact.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_widen(double *results, const void *entries, KernelFloat kind, size_t count);

/// Σ a·b of 2,048 numbers: products are added half to half until one is left, so no rounding depends on the width of vectors.
double kernel_dot2048(const double *a, const double *b, double *scratch);

/// The BLAKE3 chaining values of 16 inputs at once, `apart` bytes from one to the next, of `blocks` blocks of 64 bytes each.
/// The inputs count up from `counter` where `counts`. Writes 16 values of 8 words.
void kernel_blake3_sixteen(
    const uint8_t *inputs, size_t apart, size_t blocks, uint32_t flags, uint32_t firstFlag, uint32_t lastFlag,
    uint64_t counter, int counts, uint32_t *values);

#endif
