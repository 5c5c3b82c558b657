/// The loops that must run at the speed of the machine, compiled for several widths of vectors; the widest that the running
/// processor has is chosen when the program is loaded. Each has a plain reference in Swift that gives the same bits.
///
/// Pointers to entries need no alignment.

#ifndef MERGEKIT_CKERNELS_H
#define MERGEKIT_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "NetworkKernels.h"

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

/// Entries less those of a base, in float32.
void kernel_difference(
    float *results, const void *entries, KernelFloat kind, const void *base, KernelFloat baseKind, size_t count);

/// How many entries have a larger magnitude than each of four, and how many a smaller one; fewer than 2^32. Magnitudes are
/// compared as the bits of float32.
void kernel_count_around(
    const float *entries, size_t count, const int32_t pivots[4], uint32_t larger[4], uint32_t smaller[4]);

/// Writes the bits of those magnitudes that lie from `least` to `most`, in order, where there is room for one more.
/// Returns how many there are.
size_t kernel_collect(uint32_t *found, const float *entries, size_t count, int32_t least, int32_t most);

/// Makes those entries zero whose magnitude, as bits of float32, is less than `least` or not less than `below`.
void kernel_keep_between(float *entries, size_t count, int32_t least, int32_t below);

/// Makes those entries zero whose bit of the mask is not set. The first entry's is bit `first`; the lowest of a word comes first.
void kernel_keep_masked(float *entries, size_t count, const uint32_t *mask, size_t first);

/// Writes so many words of a mask: the bits of the numbers that are less than the limit.
void kernel_mask_below(uint32_t *mask, const uint32_t *numbers, size_t words, uint32_t limit);

/// Writes so many words of a mask: the lowest bit of each byte.
void kernel_mask_bytes(uint32_t *mask, const uint8_t *bytes, size_t words);

/// What is known of the entries of a row that have about the same magnitude: a number less than `sure` keeps every one of them,
/// one not less than `possible` drops it; and the last of them whose rank was counted out, with its bits.
typedef struct {
  uint64_t sure, possible;
  uint32_t last, bits, rank;
} KernelRankClass;

/// Classes that a row has.
enum { kernelRankClasses = 4096 };

/// Writes a byte for each entry of a row, all ones where it is kept: where its number is less than the limit of its rank.
///
/// Rank 0 is the smallest; of equal entries, the one of lower index ranks higher. Limits never fall with the rank.
/// - entries: The bits of magnitudes, as float32.
/// - classes: Room for `kernelRankClasses`.
/// - doubtful: Room for `count` numbers.
void kernel_keep_by_rank(
    uint8_t *kept, const uint32_t *entries, const uint32_t *numbers, uint32_t count, const uint64_t *limits,
    KernelRankClass *classes, uint32_t *doubtful);

/// sums = (isFirst ? 0 : sums) + weight · entries, in float64; never -0 at first.
void kernel_add_scaled(double *sums, const float *entries, size_t count, double weight, int isFirst);

/// The sign bits of the masses, in place of a float32's; that of zero as it is told.
void kernel_elect(uint32_t *signs, const double *masses, size_t count, int zeroIsNegative);

/// Adds scaled · entry to the sum, and the weight to the share, where the entry, its sign flipped by `flip`, has the elected
/// sign. Begins both where `isFirst`.
void kernel_add_agreeing(
    double *sums, double *shares, const float *entries, const uint32_t *signs, uint32_t flip, size_t count,
    double scaled, double weight, int isFirst);

/// Keeps of the sum and of scaled · entry the one of larger magnitude, the latter of equal ones; of entries that agree as above,
/// or of all where `signs` is null.
void kernel_take_largest(
    double *sums, const float *entries, const uint32_t *signs, uint32_t flip, size_t count, double scaled, int isFirst);

/// base + scale · sums / share, rounded once to float32; base as it is where that adds zero. A share is 1 where it is 0, and no
/// less than `least`; where `shares` is null, it is the divisor.
void kernel_move(
    float *results, const void *base, KernelFloat kind, const double *sums, const double *shares, double divisor,
    double least, double scale, size_t count);

/// Entries rounded to a kind, to nearest even.
/// Returns 0, or another number where a result is NaN or infinite.
uint32_t kernel_narrow(const float *entries, void *results, KernelFloat kind, size_t count);

/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_has_strays(const void *entries, KernelFloat kind, size_t count);

/// Σ|entries| in float64, grouped by the count alone.
double kernel_sum_magnitudes(const float *entries, size_t count);

/// Σ a·b in float64, grouped by the count alone.
double kernel_dot(const float *a, const float *b, size_t count);

/// squares = (isFirst ? 0 : squares) + (entries − means)², in float64.
void kernel_add_deviations(
    double *squares, const float *entries, const double *means, size_t count, int isFirst);

/// The four words of Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011) for counters in a row.
void kernel_philox(
    uint32_t *first, uint32_t *second, uint32_t *third, uint32_t *fourth, size_t count, uint64_t counter, uint32_t key0,
    uint32_t key1);

/// The BLAKE3 chaining values of 16 inputs at once, `apart` bytes from one to the next, of `blocks` blocks of 64 bytes each.
/// The inputs count up from `counter` where `counts`. Writes 16 values of 8 words.
void kernel_blake3_sixteen(
    const uint8_t *inputs, size_t apart, size_t blocks, uint32_t flags, uint32_t firstFlag, uint32_t lastFlag,
    uint64_t counter, int counts, uint32_t *values);

#endif
