#include "CKernels.h"
#include "clones.h"

// Entries of a row fall into classes by the exponent and four bits of the mantissa. How many lie in each tells a range of ranks
// for each entry, and mostly that is enough to say whether it is kept; the others are counted out.

enum { classShift = 19 };

INLINED uint32_t count_less(const uint32_t *entries, size_t count, uint32_t bits) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) found += entries[index] < bits;
  return found;
}

INLINED uint32_t count_equal(const uint32_t *entries, size_t count, uint32_t bits) {
  uint32_t found = 0;
  for (size_t index = 0; index < count; index++) found += entries[index] == bits;
  return found;
}

// Sets where the ranks of each class begin, and which numbers keep all of it or drop all of it. Most rows have no class between
// that of zero and the smallest of the others.
INLINED void begin_class(KernelRankClass *class, uint32_t start, uint32_t number, const uint64_t *limits, uint32_t count) {
  if (number == 0) return;
  class->sure = limits[start], class->possible = limits[start + number - 1], class->last = count;
}

CLONED void kernel_keep_by_rank(
    uint8_t *restrict kept, const uint32_t *restrict entries, const uint32_t *restrict numbers, uint32_t count,
    const uint64_t *restrict limits, KernelRankClass *restrict classes, uint32_t *restrict doubtful) {
  if (count == 0) return;
  if (limits[count - 1] == 0) {
    for (uint32_t index = 0; index < count; index++) kept[index] = 0;
    return;
  }
  uint32_t smallest = UINT32_MAX, largest = 0;
  for (uint32_t index = 0; index < count; index++) {
    // One less than zero is more than any other.
    uint32_t less = entries[index] - 1;
    smallest = less < smallest ? less : smallest;
    largest = entries[index] > largest ? entries[index] : largest;
  }
  // Neighbours are counted apart: many are equal, and one count would wait for the other.
  uint32_t least = (smallest + 1) >> classShift, most = largest >> classShift;
  uint32_t even[kernelRankClasses], odd[kernelRankClasses];
  even[0] = odd[0] = 0;
  for (uint32_t number = least; number <= most; number++) even[number] = odd[number] = 0;
  for (uint32_t index = 0; index + 2 <= count; index += 2) {
    even[entries[index] >> classShift]++;
    odd[entries[index + 1] >> classShift]++;
  }
  even[entries[count - 1] >> classShift] += count & 1;
  uint32_t rank = even[0] + odd[0];
  begin_class(&classes[0], 0, rank, limits, count);
  for (uint32_t number = least > 0 ? least : 1; number <= most; number++) {
    begin_class(&classes[number], rank, even[number] + odd[number], limits, count);
    rank += even[number] + odd[number];
  }

  // Whatever its rank, a small number keeps an entry and a large one drops it.
  uint32_t sure = limits[0] > UINT32_MAX ? UINT32_MAX : (uint32_t)limits[0];
  uint32_t possible = (uint32_t)(limits[count - 1] - 1);
  for (uint32_t index = 0; index < count; index++) kept[index] = numbers[index] < sure ? 0xFF : 0;
  uint32_t doubts = 0;
  for (uint32_t index = 0; index < count; index++) {
    doubtful[doubts] = index;
    doubts += (numbers[index] >= sure) & (numbers[index] <= possible);
  }
  // So does it for most ranks of a class.
  uint32_t left = 0;
  for (uint32_t doubt = 0; doubt < doubts; doubt++) {
    uint32_t index = doubtful[doubt];
    const KernelRankClass *class = &classes[entries[index] >> classShift];
    uint64_t number = numbers[index];
    kept[index] = (uint8_t)-(number < class->sure);
    doubtful[left] = index;
    left += (number >= class->sure) & (number < class->possible);
  }

  // Last one first: of equal entries the later ranks lower, so that the next is as many ranks further as there are in between.
  while (left > 0) {
    uint32_t index = doubtful[--left], bits = entries[index];
    KernelRankClass *class = &classes[bits >> classShift];
    if (class->last != count && class->bits == bits) {
      class->rank += count_equal(entries + index + 1, class->last - index, bits);
    } else {
      class->rank = count_less(entries, index, bits) + count_less(entries + index + 1, count - index - 1, bits + 1);
      class->bits = bits;
    }
    class->last = index;
    if (numbers[index] < limits[class->rank]) kept[index] = 0xFF;
  }
}
