#ifndef MERGEKIT_PHILOX_H
#define MERGEKIT_PHILOX_H

#include "clones.h"

#include <stdint.h>

typedef struct {
  uint32_t a, b, c, d;
} Philox;

// Philox4x32-10 on one counter.
INLINED Philox philox(uint64_t counter, uint32_t stream, uint32_t key0, uint32_t key1) {
  uint32_t a = (uint32_t)counter, b = (uint32_t)(counter >> 32), c = stream, d = 0;
  for (int round = 0; round < 10; round++) {
    uint64_t low = (uint64_t)a * 0xD2511F53, high = (uint64_t)c * 0xCD9E8D57;
    a = (uint32_t)(high >> 32) ^ b ^ key0;
    b = (uint32_t)high;
    c = (uint32_t)(low >> 32) ^ d ^ key1;
    d = (uint32_t)low;
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return (Philox){a, b, c, d};
}

#endif
