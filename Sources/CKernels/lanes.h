#ifndef MERGEKIT_LANES_H
#define MERGEKIT_LANES_H

#include "clones.h"

#include <stdint.h>
#include <string.h>

// Vectors that are spelt out, for compilers lay the words of a mask side by side instead of its bits.
typedef uint32_t Words16 __attribute__((vector_size(64)));
typedef float Floats16 __attribute__((vector_size(64)));
typedef double Doubles16 __attribute__((vector_size(128)));
typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef _Bool Flags32 __attribute__((ext_vector_type(32)));

enum { wordBits = 32, lanes = 16 };

// A bit for each byte that is not zero, the lowest first.
INLINED uint32_t packed(Bytes32 bytes) {
  Flags32 flags = __builtin_convertvector(bytes, Flags32);
  uint32_t word;
  memcpy(&word, &flags, sizeof word);
  return word;
}

// All ones in the lanes whose bit is set, of the lower or the upper half of a word.
INLINED Words16 spread(uint32_t word, uint32_t half) {
  const Words16 bits = {1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7,
                        1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, 1 << 15};
  return (Words16)((((Words16){} + (word >> half * lanes)) & bits) != 0);
}

#endif
