/// The loops of neural networks: rows of float32, and sums in float64 grouped by the count alone. Each differentiable function
/// has a plain reference in `Sources/Networks` that the tests compare it with.

#ifndef MERGEKIT_NETWORK_KERNELS_H
#define MERGEKIT_NETWORK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  KernelGELU,
  KernelGELUTanh,
  KernelGELUQuick,
  KernelSiLU,
  KernelReLU,
  KernelTanh,
  KernelSigmoid
} KernelActivation;

/// results = a(x).
void kernel_activate(KernelActivation kind, const float *x, float *results, size_t count);

/// results = gradient · a'(x).
void kernel_activate_gradient(
    KernelActivation kind, const float *x, const float *gradient, float *results, size_t count);

/// results = a(x) · factors.
void kernel_gate(KernelActivation kind, const float *x, const float *factors, float *results, size_t count);

/// xResults = gradient · factors · a'(x), factorResults = gradient · a(x).
void kernel_gate_gradient(
    KernelActivation kind, const float *x, const float *factors, const float *gradient, float *xResults,
    float *factorResults, size_t count);

/// results = a + b; may be one of them.
void kernel_add(const float *a, const float *b, float *results, size_t count);

/// results = cap · tanh(x / cap).
void kernel_soft_cap(const float *x, float cap, float *results, size_t count);

/// results = a · b.
void kernel_times(const float *a, const float *b, float *results, size_t count);

/// sums += scale · a.
void kernel_add_multiple(float *sums, const float *a, float scale, size_t count);

/// results = scale · a.
void kernel_scale(const float *a, float scale, float *results, size_t count);

/// sums[column] += Σ rows; the rows lie `stride` apart.
void kernel_add_rows(float *sums, const float *rows, size_t count, size_t stride, size_t columns);

/// Every row becomes these entries.
void kernel_fill_rows(float *rows, const float *entries, size_t count, size_t stride, size_t columns);

/// sums += weight · entries², in float64.
void kernel_add_squares(double *sums, const float *entries, size_t count, double weight);

/// Σ entries², in float64.
double kernel_sum_of_squares(const float *entries, size_t count);

/// The squares of entries in float32.
void kernel_square(const float *entries, float *results, size_t count);

/// results = (x - mean) / √(variance + epsilon) · (offset + weight) + bias, row by row. Where not `centred`, the mean counts as
/// zero (RMS norm). A null weight is one, a null bias zero.
void kernel_norm(
    const float *x, const float *weight, const float *bias, float *results, size_t rows, size_t width, double epsilon,
    int centred, float offset);

/// The gradient of `kernel_norm` with respect to x.
void kernel_norm_gradient(
    const float *x, const float *weight, const float *gradient, float *results, size_t rows, size_t width,
    double epsilon, int centred, float offset);

/// Adds the gradients with respect to weight and bias, either of which may be null.
void kernel_norm_parameter_gradient(
    const float *x, const float *gradient, float *weightSums, float *biasSums, size_t rows, size_t width,
    double epsilon, int centred);

/// Turns rows of scores into attention weights in place: softmax of scale · score, or of cap · tanh(scale · score / cap) where
/// there is a cap, plus the bias of each key. Row r belongs to query `firstQuery` + r, which sees the keys from `lowest` on that
/// are within the window (0 is none) and, where `causal`, not after it; the others' weights are zero.
void kernel_attention_weights(
    float *scores, size_t rows, size_t keys, size_t stride, float scale, float cap, const float *bias,
    size_t firstQuery, size_t window, int causal);

/// Turns gradients of attention weights into those of raw scores, in place. `raw` are the scores, needed where there is a cap.
void kernel_attention_gradient(
    const float *weights, const float *raw, float *gradient, size_t rows, size_t keys, size_t stride, float scale,
    float cap);

/// Turns pairs (i, i + half) of each head by the angles of its row's position, against them where `backwards`. Tables hold
/// `half` cosines and sines a position; entries of a head beyond 2 · half are copied. Row r is at position (first + r) % length.
void kernel_rotate(
    const float *x, float *results, const float *cosines, const float *sines, size_t rows, size_t first, size_t length,
    size_t heads, size_t width, size_t half, int backwards);

/// log Σ exp(x).
double kernel_log_sum_exp(const float *x, size_t count);

/// results = weight · exp(x - logSum).
void kernel_softmax_scaled(const float *x, float *results, size_t count, double logSum, float weight);

#endif
