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

/// Begins a weighted sum in float32: first = entries, sums = weight · entries.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_begin_sum(
    float *sums, float *first, const void *entries, KernelFloat kind, size_t count, float weight);

/// sums += weight · entries, in float32; a change is zero where all entries up to here, from the second operand's on, equal the
/// first's. `changes` is null where that does not matter.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_add_to_sum(
    float *sums, const float *first, uint32_t *changes, const void *entries, KernelFloat kind, size_t count,
    float weight, int isSecond);

/// sums = (isFirst ? 0 : sums) + weight · (entries - origin), in float32; never -0 at first.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_add_difference(
    float *sums, const float *origin, const void *entries, KernelFloat kind, size_t count, float weight, int isFirst);

/// scale · (sums / divisor) in float32, rounded to the result's kind, to nearest even; the first operand's entry where nothing
/// changes. `changes` is null where that does not matter.
/// Returns 0, or another number where a result is NaN or infinite.
uint32_t kernel_round_sum(
    const float *sums, const float *first, const uint32_t *changes, float divisor, float scale, void *results,
    KernelFloat kind, size_t count);

/// A weighted sum of two to four operands of one kind, the origin among them where there is one: that comes first then, and has no
/// weight.
typedef struct {
  const void *entries[4];
  float weights[4];
  int operands;
  int hasOrigin;
  /// Whether of equal entries the sum is that entry.
  int isMean;
  float divisor;
  float scale;
} KernelSum;

/// What the kernels above come to, at once: results of the operands' kind. No more than four operands; the results lie elsewhere.
/// Returns 0, or another number where an entry or a result is NaN or infinite.
uint32_t kernel_sum_few(const KernelSum *sum, void *results, KernelFloat kind, size_t count);

/// entries + scale · changes in float64, rounded once to float32; an entry whose change is zero as it is.
void kernel_add_changes(float *results, const float *entries, const double *changes, double scale, size_t count);

/// Entries as float32: exact.
/// Returns 0, or another number where an entry is NaN or infinite.
uint32_t kernel_widen(float *results, const void *entries, KernelFloat kind, size_t count);

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

/// The sums of the magnitudes of all entries and of those whose bit of the mask is set, in float64; the first entry's is bit
/// `first`.
void kernel_sum_masked_magnitudes(
    const float *entries, size_t count, const uint32_t *mask, size_t first, double *all, double *kept);

/// Writes so many words of two masks: which bytes are less than the limit, and which are just that.
void kernel_compare_bytes(uint32_t *below, uint32_t *equal, const uint8_t *bytes, size_t words, uint8_t limit);

/// Writes so many words of a mask: the lowest bit of each byte.
void kernel_mask_bytes(uint32_t *mask, const uint8_t *bytes, size_t words);

/// Whether the entries of a class are known to be equal.
typedef enum { kernelRankUnknown, kernelRankEqual, kernelRankMixed } KernelRankState;

/// What is known of the entries of a row that have about the same magnitude: the rank of the first and how many there are; a byte
/// less than `sure` keeps every one of them, one that is `doubts` more than that drops it. Where they are mixed, the last of them
/// whose rank was counted out, with its bits.
typedef struct {
  uint16_t sure, doubts;
  KernelRankState state;
  uint32_t first, count;
  uint32_t last, bits, rank;
} KernelRankClass;

enum {
  /// Classes that a row has.
  kernelRankClasses = 2 + 8 * 32,
  /// Numbers that a list of doubtful entries has room for beyond one for each entry.
  kernelRankSpare = 12,
};

/// Room for what is found out about a row of so many entries, fewer than 2^16.
typedef struct {
  /// As many as `kernelRankClasses`.
  KernelRankClass *classes;
  /// For each entry: the number of its class, and how many of that come after it.
  uint16_t *numbers, *places;
  /// For each entry, and `kernelRankSpare` more.
  uint32_t *doubtful;
} KernelRankRoom;

/// Where the choices of a row lie in their stream: that of its first entry, and how far apart they are.
typedef struct {
  uint64_t position, step;
  uint32_t key0, key1;
} KernelChoices;

/// Writes a byte for each entry of a row, all ones where it is kept: where its number is less than the limit of its rank.
///
/// Rank 0 is the smallest; of equal entries, the one of lower index ranks higher. Limits never fall with the rank, and are at
/// most 2^40.
/// - entries: The bits of magnitudes, as float32.
/// - numbers: The highest bytes of the numbers, which have 40 bits; the others are made where they matter.
void kernel_keep_by_rank(
    uint8_t *kept, const uint32_t *entries, const uint8_t *numbers, uint32_t count, const uint64_t *limits,
    KernelChoices choices, KernelRankRoom room);

/// sums = (isFirst ? 0 : sums) + weight · entries, in float64; never -0 at first.
void kernel_add_scaled(double *sums, const float *entries, size_t count, double weight, int isFirst);

/// sums = (isFirst ? 0 : sums) + weight · (factor · entries), in float32; never -0 at first.
void kernel_add_weighted(float *sums, const float *entries, size_t count, float factor, float weight, int isFirst);

/// The sign bits of the masses, in place of a float32's; that of zero as it is told.
void kernel_elect(uint32_t *signs, const float *masses, size_t count, int zeroIsNegative);

/// Adds weight · (factor · entry) to the sum, and the weight to the share, where the entry, its sign flipped by `flip`, has the
/// elected sign. Begins both where `isFirst`. All in float32.
void kernel_add_agreeing(
    float *sums, float *shares, const float *entries, const uint32_t *signs, uint32_t flip, size_t count, float factor,
    float weight, int isFirst);

/// Keeps of the sum and of weight · (factor · entry) the one of larger magnitude, the latter of equal ones; of entries that agree
/// as above, or of all where `signs` is null.
void kernel_take_largest(
    float *sums, const float *entries, const uint32_t *signs, uint32_t flip, size_t count, float factor, float weight,
    int isFirst);

/// base + scale · (sums / share), in float32; base as it is where that adds zero. A share is 1 where it is 0, and no less than
/// `least`; where `shares` is null, it is the divisor.
void kernel_move(
    float *results, const void *base, KernelFloat kind, const float *sums, const float *shares, float divisor,
    float least, float scale, size_t count);

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
