#include "CKernels.h"
#include "clones.h"
#include "lanes.h"
#include "philox.h"

// Entries of a row fall into classes: zeros, 32 for each of the eight octaves below the largest, and all smaller ones in the
// lowest. How many lie in each tells a range of ranks for each entry, and mostly that is enough to say whether it is kept. Of
// the others, those of a class of equal entries have the rank of their place in it; the rest are counted out.

enum {
  classShift = 18,
  octaveShift = 23,
  octaves = (kernelRankClasses - 2) >> (octaveShift - classShift),
  restBits = 32,
  // A row is counted in four parts at once: neighbours are often equal, and one count would wait for the other.
  parts = 4,
};

typedef uint16_t PartCounts[parts][kernelRankClasses];

// A byte below this keeps its entry, whatever the rest of the number.
INLINED uint32_t sure_byte(uint64_t limit) { return (uint32_t)(limit >> restBits); }

// A byte that is not below this drops its entry.
INLINED uint32_t possible_byte(uint64_t limit) { return (uint32_t)((limit + UINT32_MAX) >> restBits); }

INLINED void number_classes(uint16_t *restrict numbers, const uint32_t *restrict entries, uint32_t count) {
  uint32_t largest = 0;
  for (uint32_t index = 0; index < count; index++) largest = entries[index] > largest ? entries[index] : largest;
  uint32_t least = largest > octaves << octaveShift ? largest - (octaves << octaveShift) : 0;
  for (uint32_t index = 0; index < count; index++) {
    uint32_t bits = entries[index] > least ? entries[index] : least;
    numbers[index] = (uint16_t)((entries[index] != 0) + ((bits - least) >> classShift));
  }
}

// Counts how many of its class come after each entry in its part, and in the parts after it.
INLINED void count_classes(
    KernelRankClass *restrict classes, PartCounts after, uint16_t *restrict places, const uint16_t *restrict numbers,
    uint32_t count) {
  memset(after, 0, sizeof(PartCounts));
  uint32_t length = count / parts;
  for (uint32_t index = count; index-- > parts * length;) places[index] = after[parts - 1][numbers[index]]++;
  for (uint32_t place = length; place-- > 0;) {
    for (uint32_t part = 0; part < parts; part++) {
      uint32_t index = part * length + place;
      places[index] = after[part][numbers[index]]++;
    }
  }
  for (uint32_t number = 0; number < kernelRankClasses; number++) {
    uint16_t sum = 0;
    for (uint32_t part = parts; part-- > 0;) {
      uint16_t here = after[part][number];
      after[part][number] = sum;
      sum += here;
    }
    classes[number].count = sum;
  }
}

// Sets for each class where its ranks begin, and which bytes keep all of it or drop all of it.
INLINED void bound_classes(KernelRankClass *restrict classes, const uint64_t *restrict limits, uint32_t count) {
  uint32_t rank = 0;
  for (uint32_t number = 0; number < kernelRankClasses; number++) {
    KernelRankClass *class = &classes[number];
    uint32_t first = rank < count ? rank : count - 1;
    class->first = rank;
    rank += class->count;
    class->sure = (uint16_t)sure_byte(limits[first]);
    class->doubts = (uint16_t)(possible_byte(limits[rank > first ? rank - 1 : first]) - class->sure);
    class->state = kernelRankUnknown;
  }
}

// Lists the places of a word's bits. A few are listed in any case, for how many there are is not foreseen.
INLINED uint32_t list_bits(uint32_t *list, uint32_t word, uint32_t start) {
  uint32_t found = (uint32_t)__builtin_popcount(word);
  for (uint32_t place = 0; place < kernelRankSpare; place++, word &= word - 1) {
    list[place] = start + (uint32_t)__builtin_ctz(word | 1u << 31);
  }
  for (uint32_t place = kernelRankSpare; word != 0; place++, word &= word - 1) {
    list[place] = start + (uint32_t)__builtin_ctz(word);
  }
  return found;
}

// Keeps what is kept whatever its rank, and lists what its number neither keeps nor drops.
INLINED uint32_t list_doubtful(
    uint8_t *restrict kept, uint32_t *restrict doubtful, const uint8_t *restrict numbers, uint32_t count, uint32_t sure,
    uint32_t possible) {
  uint32_t found = 0, start = 0;
  for (; start + wordBits <= count; start += wordBits) {
    Bytes32 bytes;
    memcpy(&bytes, numbers + start, wordBits);
    Bytes32 isSure = (Bytes32)(bytes < (uint8_t)sure);
    memcpy(kept + start, &isSure, wordBits);
    uint32_t word = packed((Bytes32)(bytes >= (uint8_t)sure) & (Bytes32)(bytes <= (uint8_t)(possible - 1)));
    found += list_bits(doubtful + found, word, start);
  }
  for (uint32_t index = start; index < count; index++) {
    kept[index] = numbers[index] < sure ? 0xFF : 0;
    doubtful[found] = index;
    found += (numbers[index] >= sure) & (numbers[index] < possible);
  }
  return found;
}

INLINED uint32_t count_less(const uint32_t *entries, uint32_t count, uint32_t bits) {
  uint32_t found = 0;
  for (uint32_t index = 0; index < count; index++) found += entries[index] < bits;
  return found;
}

INLINED uint32_t count_equal(const uint32_t *entries, uint32_t first, uint32_t end, uint32_t bits) {
  uint32_t found = 0;
  for (uint32_t index = first; index < end; index++) found += entries[index] == bits;
  return found;
}

// The rank of an entry, asked from the last to the first: of equal ones the later ranks lower, so that the next is as many ranks
// further as there are in between.
INLINED uint32_t rank_of(
    uint32_t index, const uint32_t *entries, uint32_t count, KernelRankClass *class, uint32_t place) {
  uint32_t bits = entries[index];
  if (class->state == kernelRankUnknown) {
    class->state = count_equal(entries, 0, count, bits) == class->count ? kernelRankEqual : kernelRankMixed;
    class->last = count;
  }
  if (class->state == kernelRankEqual) return class->first + place;
  if (class->last < count && class->bits == bits) {
    class->rank += count_equal(entries, index + 1, class->last + 1, bits);
  } else {
    class->rank = count_less(entries, count, bits) + count_equal(entries, index + 1, count, bits);
    class->bits = bits;
  }
  class->last = index;
  return class->rank;
}

CLONED void kernel_keep_by_rank(
    uint8_t *restrict kept, const uint32_t *restrict entries, const uint8_t *restrict numbers, uint32_t count,
    const uint64_t *restrict limits, KernelChoices choices, KernelRankRoom room) {
  if (count == 0) return;
  uint32_t sure = sure_byte(limits[0]), possible = possible_byte(limits[count - 1]);
  if (sure > UINT8_MAX || possible == 0) {
    memset(kept, possible == 0 ? 0 : UINT8_MAX, count);
    return;
  }
  PartCounts after;
  number_classes(room.numbers, entries, count);
  count_classes(room.classes, after, room.places, room.numbers, count);
  bound_classes(room.classes, limits, count);

  uint32_t *doubtful = room.doubtful;
  uint32_t doubts = list_doubtful(kept, doubtful, numbers, count, sure, possible), left = 0;
  for (uint32_t doubt = 0; doubt < doubts; doubt++) {
    uint32_t index = doubtful[doubt];
    const KernelRankClass *class = &room.classes[room.numbers[index]];
    uint32_t above = (uint32_t)numbers[index] - class->sure;
    kept[index] = numbers[index] < class->sure ? 0xFF : 0;
    doubtful[left] = index;
    left += above < class->doubts;
  }
  uint32_t length = count / parts, part = parts - 1;
  while (left > 0) {
    uint32_t index = doubtful[--left], number = room.numbers[index];
    while (index < part * length) part--;
    uint64_t limit = limits[rank_of(index, entries, count, &room.classes[number], room.places[index] + after[part][number])];
    if (numbers[index] == sure_byte(limit)) {
      uint32_t rest = philox(choices.position + (uint64_t)index * choices.step, 1, choices.key0, choices.key1).a;
      kept[index] = rest < (uint32_t)limit ? 0xFF : 0;
    } else {
      kept[index] = numbers[index] < sure_byte(limit) ? 0xFF : 0;
    }
  }
}
