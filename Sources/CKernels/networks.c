// A product and a sum are never joined into one rounding: every processor gives the same bits.
#pragma STDC FP_CONTRACT OFF

#include "NetworkKernels.h"
#include "clones.h"
#include "floats.h"

#include <math.h>

enum { lanes = 16 };

// MARK: Functions of one number, without branches, so that loops over them become vector code

// Relative error below 2^-22; 0 below -87.3; NaN stays NaN.
INLINED float exponential(float x) {
  float low = x < -87.3f ? -87.3f : x;
  float clamped = low > 88.3f ? 88.3f : low;
  float shifted = clamped * 0x1.715476p+0f + 12582912.0f;
  float n = shifted - 12582912.0f;
  float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 0.0013933641603216529f;
  p = p * r + 0.008363175205886364f;
  p = p * r + 0.04166646674275398f;
  p = p * r + 0.16666576266288757f;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  float result = p * as_float((as_bits(shifted) - 0x4B400000 + 127) << 23);
  return x < -87.3f ? 0.0f : result;
}

// Relative error below 2^-21.
INLINED float hyperbolic_tangent(float x) {
  float size = fabsf(x);
  float e = exponential(-2.0f * size);
  float large = copysignf((1.0f - e) / (1.0f + e), x);
  float s = x * x;
  float p = -0.006104946602135897f;
  p = p * s + 0.021003639325499535f;
  p = p * s - 0.05385249853134155f;
  p = p * s + 0.13332782685756683f;
  p = p * s - 0.333333283662796f;
  float small = x + x * s * p;
  return size < 0.625f ? small : large;
}

INLINED float logistic(float x) { return 1.0f / (1.0f + exponential(-x)); }

// The standard normal distribution function: erfc(z) = exp(-z²) · t · p(t) with t = 1 / (1 + 0.4 z), fitted for z from 0 to 10.
INLINED float normal_distribution(float x) {
  float size = fabsf(x) * 0.70710678f;
  float z = size > 10.0f ? 10.0f : size;
  float t = 1.0f / (1.0f + 0.4f * z);
  float p = -0.03258447349071503f;
  p = p * t + 0.2138393074274063f;
  p = p * t - 0.5349723696708679f;
  p = p * t + 0.5941384434700012f;
  p = p * t - 0.32184821367263794f;
  p = p * t + 0.2914034128189087f;
  p = p * t + 0.12328094989061356f;
  p = p * t + 0.21622611582279205f;
  p = p * t + 0.2248026728630066f;
  p = p * t + 0.22571417689323425f;
  float tail = 0.5f * (p * t) * exponential(-z * z);
  float result = x > 0.0f ? 1.0f - tail : tail;
  return x == x ? result : x;
}

INLINED float tanh_gelu_argument(float x) { return 0.7978845608f * (x + 0.044715f * x * x * x); }

INLINED float activation(KernelActivation kind, float x) {
  switch (kind) {
  case KernelGELU: return x * normal_distribution(x);
  case KernelGELUTanh: return 0.5f * x * (1.0f + hyperbolic_tangent(tanh_gelu_argument(x)));
  case KernelGELUQuick: return x * logistic(1.702f * x);
  case KernelSiLU: return x * logistic(x);
  case KernelReLU: return x < 0.0f ? 0.0f : x;
  case KernelTanh: return hyperbolic_tangent(x);
  case KernelSigmoid: return logistic(x);
  }
}

INLINED float slope(KernelActivation kind, float x) {
  switch (kind) {
  case KernelGELU: return normal_distribution(x) + x * 0.3989422804f * exponential(-0.5f * x * x);
  case KernelGELUTanh: {
    float t = hyperbolic_tangent(tanh_gelu_argument(x));
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.7978845608f * (1.0f + 0.134145f * x * x);
  }
  case KernelGELUQuick: {
    float s = logistic(1.702f * x);
    return s + 1.702f * x * s * (1.0f - s);
  }
  case KernelSiLU: {
    float s = logistic(x);
    return s + x * s * (1.0f - s);
  }
  case KernelReLU: return x > 0.0f ? 1.0f : 0.0f;
  case KernelTanh: {
    float t = hyperbolic_tangent(x);
    return 1.0f - t * t;
  }
  case KernelSigmoid: {
    float s = logistic(x);
    return s * (1.0f - s);
  }
  }
}

// A loop for each kind, so that the kind is known inside.
#define FOR_EACH_KIND(kind, body)                                                                                      \
  switch (kind) {                                                                                                      \
  case KernelGELU: body(KernelGELU); break;                                                                            \
  case KernelGELUTanh: body(KernelGELUTanh); break;                                                                    \
  case KernelGELUQuick: body(KernelGELUQuick); break;                                                                  \
  case KernelSiLU: body(KernelSiLU); break;                                                                            \
  case KernelReLU: body(KernelReLU); break;                                                                            \
  case KernelTanh: body(KernelTanh); break;                                                                            \
  case KernelSigmoid: body(KernelSigmoid); break;                                                                      \
  }

CLONED void kernel_activate(KernelActivation kind, const float *restrict x, float *restrict results, size_t count) {
#define BODY(kind)                                                                                                     \
  for (size_t index = 0; index < count; index++) results[index] = activation(kind, x[index])
  FOR_EACH_KIND(kind, BODY)
#undef BODY
}

CLONED void kernel_activate_gradient(
    KernelActivation kind, const float *restrict x, const float *restrict gradient, float *restrict results,
    size_t count) {
#define BODY(kind)                                                                                                     \
  for (size_t index = 0; index < count; index++) results[index] = gradient[index] * slope(kind, x[index])
  FOR_EACH_KIND(kind, BODY)
#undef BODY
}

CLONED void kernel_gate(
    KernelActivation kind, const float *restrict x, const float *restrict factors, float *restrict results,
    size_t count) {
#define BODY(kind)                                                                                                     \
  for (size_t index = 0; index < count; index++) results[index] = activation(kind, x[index]) * factors[index]
  FOR_EACH_KIND(kind, BODY)
#undef BODY
}

CLONED void kernel_gate_gradient(
    KernelActivation kind, const float *restrict x, const float *restrict factors, const float *restrict gradient,
    float *restrict xResults, float *restrict factorResults, size_t count) {
#define BODY(kind)                                                                                                     \
  for (size_t index = 0; index < count; index++) {                                                                     \
    xResults[index] = gradient[index] * factors[index] * slope(kind, x[index]);                                        \
    factorResults[index] = gradient[index] * activation(kind, x[index]);                                               \
  }
  FOR_EACH_KIND(kind, BODY)
#undef BODY
}

// MARK: Arithmetic

CLONED void kernel_add(const float *a, const float *b, float *results, size_t count) {
  for (size_t index = 0; index < count; index++) results[index] = a[index] + b[index];
}

CLONED void kernel_soft_cap(const float *restrict x, float cap, float *restrict results, size_t count) {
  for (size_t index = 0; index < count; index++) results[index] = cap * hyperbolic_tangent(x[index] / cap);
}

CLONED void kernel_times(const float *a, const float *b, float *results, size_t count) {
  for (size_t index = 0; index < count; index++) results[index] = a[index] * b[index];
}

CLONED void kernel_add_multiple(float *restrict sums, const float *restrict a, float scale, size_t count) {
  for (size_t index = 0; index < count; index++) sums[index] += scale * a[index];
}

CLONED void kernel_scale(const float *a, float scale, float *results, size_t count) {
  for (size_t index = 0; index < count; index++) results[index] = scale * a[index];
}

CLONED void kernel_add_rows(float *restrict sums, const float *restrict rows, size_t count, size_t stride, size_t columns) {
  // A few columns at a time stay in registers, in float64.
  for (size_t start = 0; start < columns; start += lanes) {
    size_t width = columns - start < lanes ? columns - start : lanes;
    double totals[lanes] = {0};
    if (width == lanes) {
      for (size_t row = 0; row < count; row++) {
        for (size_t lane = 0; lane < lanes; lane++) totals[lane] += (double)rows[row * stride + start + lane];
      }
    } else {
      for (size_t row = 0; row < count; row++) {
        for (size_t lane = 0; lane < width; lane++) totals[lane] += (double)rows[row * stride + start + lane];
      }
    }
    for (size_t lane = 0; lane < width; lane++) sums[start + lane] = (float)((double)sums[start + lane] + totals[lane]);
  }
}

CLONED void kernel_fill_rows(
    float *restrict rows, const float *restrict entries, size_t count, size_t stride, size_t columns) {
  for (size_t row = 0; row < count; row++) {
    for (size_t column = 0; column < columns; column++) rows[row * stride + column] = entries[column];
  }
}

CLONED void kernel_add_squares(double *restrict sums, const float *restrict entries, size_t count, double weight) {
  for (size_t index = 0; index < count; index++) {
    double entry = (double)entries[index];
    sums[index] += weight * (entry * entry);
  }
}

CLONED void kernel_square(const float *restrict entries, float *restrict results, size_t count) {
  for (size_t index = 0; index < count; index++) results[index] = entries[index] * entries[index];
}

// MARK: Sums over a row, grouped by lanes

INLINED double folded(double *sums) {
  for (size_t half = lanes / 2; half > 0; half /= 2) {
    for (size_t lane = 0; lane < half; lane++) sums[lane] += sums[half + lane];
  }
  return sums[0];
}

// Σ term(index), where `term` is an expression of `index`.
#define SUM(result, count, term)                                                                                       \
  double result;                                                                                                       \
  {                                                                                                                    \
    double sums[lanes] = {0};                                                                                          \
    size_t whole = (count) & ~(size_t)(lanes - 1);                                                                     \
    for (size_t start = 0; start < whole; start += lanes) {                                                            \
      for (size_t lane = 0; lane < lanes; lane++) {                                                                    \
        size_t index = start + lane;                                                                                   \
        sums[lane] += (double)(term);                                                                                  \
      }                                                                                                                \
    }                                                                                                                  \
    for (size_t index = whole; index < (count); index++) sums[index - whole] += (double)(term);                        \
    result = folded(sums);                                                                                             \
  }

CLONED double kernel_sum_of_squares(const float *entries, size_t count) {
  SUM(total, count, (double)entries[index] * (double)entries[index]);
  return total;
}

INLINED float largest(const float *x, size_t count) {
  float most[lanes];
  for (size_t lane = 0; lane < lanes; lane++) most[lane] = -INFINITY;
  size_t whole = count & ~(size_t)(lanes - 1);
  for (size_t start = 0; start < whole; start += lanes) {
    for (size_t lane = 0; lane < lanes; lane++) {
      most[lane] = x[start + lane] > most[lane] ? x[start + lane] : most[lane];
    }
  }
  float result = -INFINITY;
  for (size_t index = whole; index < count; index++) result = x[index] > result ? x[index] : result;
  for (size_t lane = 0; lane < lanes; lane++) result = most[lane] > result ? most[lane] : result;
  return result;
}

// MARK: Norms

typedef struct {
  float mean;
  float reciprocal;
} Moments;

INLINED Moments moments(const float *restrict x, size_t width, double epsilon, int centred) {
  float mean = 0;
  if (centred) {
    SUM(total, width, x[index]);
    mean = (float)(total / (double)width);
  }
  SUM(squares, width, (x[index] - mean) * (x[index] - mean));
  Moments result = {mean, (float)(1.0 / sqrt(squares / (double)width + epsilon))};
  return result;
}

CLONED void kernel_norm(
    const float *restrict x, const float *restrict weight, const float *restrict bias, float *restrict results,
    size_t rows, size_t width, double epsilon, int centred, float offset) {
  for (size_t row = 0; row < rows; row++, x += width, results += width) {
    Moments m = moments(x, width, epsilon, centred);
    if (weight && bias) {
      for (size_t index = 0; index < width; index++) {
        results[index] = (x[index] - m.mean) * m.reciprocal * (offset + weight[index]) + bias[index];
      }
    } else if (weight) {
      for (size_t index = 0; index < width; index++) {
        results[index] = (x[index] - m.mean) * m.reciprocal * (offset + weight[index]);
      }
    } else {
      for (size_t index = 0; index < width; index++) results[index] = (x[index] - m.mean) * m.reciprocal;
    }
  }
}

CLONED void kernel_norm_gradient(
    const float *restrict x, const float *restrict weight, const float *restrict gradient, float *restrict results,
    size_t rows, size_t width, double epsilon, int centred, float offset) {
  for (size_t row = 0; row < rows; row++, x += width, gradient += width, results += width) {
    Moments m = moments(x, width, epsilon, centred);
    if (weight) {
      for (size_t index = 0; index < width; index++) results[index] = gradient[index] * (offset + weight[index]);
    } else {
      for (size_t index = 0; index < width; index++) results[index] = gradient[index];
    }
    float along, mean = 0;
    {
      SUM(total, width, results[index] * ((x[index] - m.mean) * m.reciprocal));
      along = (float)(total / (double)width);
    }
    if (centred) {
      SUM(total, width, results[index]);
      mean = (float)(total / (double)width);
    }
    for (size_t index = 0; index < width; index++) {
      float normal = (x[index] - m.mean) * m.reciprocal;
      results[index] = m.reciprocal * (results[index] - mean - normal * along);
    }
  }
}

CLONED void kernel_norm_parameter_gradient(
    const float *restrict x, const float *restrict gradient, float *restrict weightSums, float *restrict biasSums,
    size_t rows, size_t width, double epsilon, int centred) {
  for (size_t row = 0; row < rows; row++, x += width, gradient += width) {
    if (weightSums) {
      Moments m = moments(x, width, epsilon, centred);
      for (size_t index = 0; index < width; index++) {
        weightSums[index] += gradient[index] * ((x[index] - m.mean) * m.reciprocal);
      }
    }
    if (biasSums) {
      for (size_t index = 0; index < width; index++) biasSums[index] += gradient[index];
    }
  }
}

// MARK: Attention

CLONED void kernel_attention_weights(
    float *scores, size_t rows, size_t keys, size_t stride, float scale, float cap, const float *bias,
    size_t firstQuery, size_t window, int causal) {
  for (size_t row = 0; row < rows; row++, scores += stride) {
    size_t query = firstQuery + row;
    size_t low = window > 0 && query + 1 > window ? query + 1 - window : 0;
    size_t high = causal ? query + 1 : (window > 0 ? query + window : keys);
    if (high > keys) high = keys;
    if (low > high) low = high;
    size_t count = high - low;
    float *seen = scores + low;
    for (size_t index = 0; index < low; index++) scores[index] = 0;
    for (size_t index = high; index < keys; index++) scores[index] = 0;
    if (cap > 0) {
      for (size_t index = 0; index < count; index++) seen[index] = cap * hyperbolic_tangent(scale * seen[index] / cap);
    } else {
      for (size_t index = 0; index < count; index++) seen[index] *= scale;
    }
    if (bias) {
      size_t visible = 0;
      for (size_t index = 0; index < count; index++) {
        visible += bias[low + index] > -INFINITY;
        seen[index] += bias[low + index];
      }
      // Padding so far behind a text that its window holds nothing else attends to nothing.
      if (visible == 0) {
        for (size_t index = 0; index < count; index++) seen[index] = 0;
        continue;
      }
    }
    float most = largest(seen, count);
    for (size_t index = 0; index < count; index++) seen[index] = exponential(seen[index] - most);
    SUM(total, count, seen[index]);
    float share = (float)(1.0 / total);
    for (size_t index = 0; index < count; index++) seen[index] *= share;
  }
}

CLONED void kernel_attention_gradient(
    const float *restrict weights, const float *restrict raw, float *restrict gradient, size_t rows, size_t keys,
    size_t stride, float scale, float cap) {
  for (size_t row = 0; row < rows; row++, weights += stride, gradient += stride) {
    SUM(total, keys, weights[index] * gradient[index]);
    float mean = (float)total;
    for (size_t index = 0; index < keys; index++) {
      gradient[index] = scale * weights[index] * (gradient[index] - mean);
    }
    if (cap > 0) {
      for (size_t index = 0; index < keys; index++) {
        float t = hyperbolic_tangent(scale * raw[index] / cap);
        gradient[index] *= 1.0f - t * t;
      }
      raw += stride;
    }
  }
}

CLONED void kernel_rotate(
    const float *restrict x, float *restrict results, const float *restrict cosines, const float *restrict sines,
    size_t rows, size_t first, size_t length, size_t heads, size_t width, size_t half, int backwards) {
  float sign = backwards ? -1.0f : 1.0f;
  for (size_t row = 0; row < rows; row++) {
    size_t position = (first + row) % length;
    const float *c = cosines + position * half, *s = sines + position * half;
    for (size_t head = 0; head < heads; head++, x += width, results += width) {
      for (size_t index = 0; index < half; index++) {
        float a = x[index], b = x[half + index], turn = sign * s[index];
        results[index] = a * c[index] - b * turn;
        results[half + index] = b * c[index] + a * turn;
      }
      for (size_t index = 2 * half; index < width; index++) results[index] = x[index];
    }
  }
}

// MARK: Softmax

CLONED double kernel_log_sum_exp(const float *x, size_t count) {
  float most = largest(x, count);
  SUM(total, count, exponential(x[index] - most));
  return (double)most + log(total);
}

CLONED void kernel_softmax_scaled(const float *restrict x, float *restrict results, size_t count, double logSum, float weight) {
  float shift = (float)logSum;
  // What rounding the shift to float32 lost is made good in the weight.
  float factor = (float)((double)weight * exp((double)shift - logSum));
  for (size_t index = 0; index < count; index++) results[index] = factor * exponential(x[index] - shift);
}
