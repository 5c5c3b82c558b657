#include "CKernels.h"
#include "clones.h"

#include <string.h>

// Sixteen lanes, one for each input. Where vectors are narrower, the compiler takes several for one.
typedef uint32_t Lanes __attribute__((vector_size(64)));

static const uint32_t initial[8] = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                    0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};

// Which word of the block goes where, round by round: each is the one before it, permuted.
static const uint8_t order[7][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8},
    {3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1}, {10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6},
    {12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4}, {9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7},
    {11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13}};

INLINED Lanes rotated(Lanes word, int right) { return word >> right | word << (32 - right); }

INLINED void mix(Lanes *a, Lanes *b, Lanes *c, Lanes *d, Lanes x, Lanes y) {
  *a = *a + *b + x;
  *d = rotated(*d ^ *a, 16);
  *c = *c + *d;
  *b = rotated(*b ^ *c, 12);
  *a = *a + *b + y;
  *d = rotated(*d ^ *a, 8);
  *c = *c + *d;
  *b = rotated(*b ^ *c, 7);
}

INLINED Lanes repeated(uint32_t word) { return (Lanes){} + word; }

// Two rows of lanes, joined by turns: in units of one, two, four and eight lanes a transposition of 16 by 16.
#define JOINED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define LOW1(a, b) JOINED(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH1(a, b) JOINED(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW2(a, b) JOINED(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH2(a, b) JOINED(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define LOW4(a, b) JOINED(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define HIGH4(a, b) JOINED(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define LOW8(a, b) JOINED(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define HIGH8(a, b) JOINED(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)

// Gathers a block of each input, so that word k of all of them lies in words[k].
INLINED void gather(const uint8_t *blocks, size_t apart, Lanes words[16]) {
  Lanes rows[16], pairs[16];
  for (int lane = 0; lane < 16; lane++) memcpy(&rows[lane], blocks + (size_t)lane * apart, 64);
  for (int lane = 0; lane < 16; lane += 2) {
    pairs[lane] = LOW1(rows[lane], rows[lane + 1]);
    pairs[lane + 1] = HIGH1(rows[lane], rows[lane + 1]);
  }
  // rows[4g + k]: word k of each group of four words, from the lanes 4g to 4g + 3.
  for (int lane = 0; lane < 16; lane += 4) {
    rows[lane] = LOW2(pairs[lane], pairs[lane + 2]);
    rows[lane + 1] = HIGH2(pairs[lane], pairs[lane + 2]);
    rows[lane + 2] = LOW2(pairs[lane + 1], pairs[lane + 3]);
    rows[lane + 3] = HIGH2(pairs[lane + 1], pairs[lane + 3]);
  }
  for (int k = 0; k < 4; k++) {
    pairs[k] = LOW4(rows[k], rows[4 + k]);
    pairs[4 + k] = HIGH4(rows[k], rows[4 + k]);
    pairs[8 + k] = LOW4(rows[8 + k], rows[12 + k]);
    pairs[12 + k] = HIGH4(rows[8 + k], rows[12 + k]);
  }
  for (int k = 0; k < 4; k++) {
    words[k] = LOW8(pairs[k], pairs[8 + k]);
    words[8 + k] = HIGH8(pairs[k], pairs[8 + k]);
    words[4 + k] = LOW8(pairs[4 + k], pairs[12 + k]);
    words[12 + k] = HIGH8(pairs[4 + k], pairs[12 + k]);
  }
}

CLONED void kernel_blake3_sixteen(
    const uint8_t *inputs, size_t apart, size_t blocks, uint32_t flags, uint32_t firstFlag, uint32_t lastFlag,
    uint64_t counter, int counts, uint32_t *values) {
  Lanes value[8], low, high;
  for (int word = 0; word < 8; word++) value[word] = repeated(initial[word]);
  for (int lane = 0; lane < 16; lane++) {
    uint64_t number = counts ? counter + (uint64_t)lane : 0;
    low[lane] = (uint32_t)number;
    high[lane] = (uint32_t)(number >> 32);
  }
  for (size_t block = 0; block < blocks; block++) {
    Lanes m[16], s[16];
    gather(inputs + block * 64, apart, m);
    uint32_t ends = (block == 0 ? firstFlag : 0) | (block == blocks - 1 ? lastFlag : 0);
    for (int word = 0; word < 8; word++) s[word] = value[word];
    for (int word = 0; word < 4; word++) s[8 + word] = repeated(initial[word]);
    s[12] = low;
    s[13] = high;
    s[14] = repeated(64);
    s[15] = repeated(flags | ends);
#pragma clang loop unroll(full)
    for (int round = 0; round < 7; round++) {
      const uint8_t *o = order[round];
      mix(&s[0], &s[4], &s[8], &s[12], m[o[0]], m[o[1]]);
      mix(&s[1], &s[5], &s[9], &s[13], m[o[2]], m[o[3]]);
      mix(&s[2], &s[6], &s[10], &s[14], m[o[4]], m[o[5]]);
      mix(&s[3], &s[7], &s[11], &s[15], m[o[6]], m[o[7]]);
      mix(&s[0], &s[5], &s[10], &s[15], m[o[8]], m[o[9]]);
      mix(&s[1], &s[6], &s[11], &s[12], m[o[10]], m[o[11]]);
      mix(&s[2], &s[7], &s[8], &s[13], m[o[12]], m[o[13]]);
      mix(&s[3], &s[4], &s[9], &s[14], m[o[14]], m[o[15]]);
    }
    for (int word = 0; word < 8; word++) value[word] = s[word] ^ s[word + 8];
  }
  for (int lane = 0; lane < 16; lane++) {
    for (int word = 0; word < 8; word++) values[lane * 8 + word] = value[word][lane];
  }
}
