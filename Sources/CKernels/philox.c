#include "philox.h"
#include "CKernels.h"

CLONED void kernel_philox(
    uint32_t *restrict first, uint32_t *restrict second, uint32_t *restrict third, uint32_t *restrict fourth,
    size_t count, uint64_t counter, uint32_t key0, uint32_t key1) {
  for (size_t index = 0; index < count; index++) {
    Philox words = philox(counter + index, 0, key0, key1);
    first[index] = words.a;
    second[index] = words.b;
    third[index] = words.c;
    fourth[index] = words.d;
  }
}
