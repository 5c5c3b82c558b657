"""The numbers by which `dare` and `della` choose entries, by what Generator.swift says: Philox4x32-10 under a BLAKE3 key.

Needs numpy, blake3.
"""

import struct

import blake3
import numpy as np

RUN = 256  # blocks whose words make the highest bytes of 4096 choices


def key(seed, *stream):
    """Two words: the beginning of the fingerprint of a seed and a stream's name."""
    def text(part):
        part = part.encode()
        return b"t" + struct.pack("<q", len(part)) + part

    parts = text("mergekit-random/1") + b"n" + struct.pack("<q", seed) + b"l" + struct.pack("<q", len(stream))
    return struct.unpack(">II", blake3.blake3(parts + b"".join(map(text, stream))).digest()[:8])


def philox(counters, stream, key):
    """The four words of each counter, (4, counters)."""
    mask = np.uint64(0xFFFFFFFF)
    counters = np.asarray(counters, np.uint64)
    a, b = counters & mask, counters >> np.uint64(32)
    c, d = np.full_like(a, stream), np.zeros_like(a)
    k0, k1 = key
    for _ in range(10):
        first, second = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = ((second >> np.uint64(32)) ^ b ^ np.uint64(k0), second & mask,
                      (first >> np.uint64(32)) ^ d ^ np.uint64(k1), first & mask)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([a, b, c, d])


def choices(count, seed, *stream):
    """As many whole numbers from 0 to 2^40: an entry of probability p is kept where its number is less than 2^40 p."""
    own = key(seed, *stream)
    runs = -(-count // (16 * RUN))
    words = philox(np.arange(runs * RUN), 0, own).reshape(4, runs, RUN).transpose(1, 0, 2)
    highest = np.ascontiguousarray(words.astype("<u4")).view(np.uint8).reshape(-1)[:count]
    return highest.astype(np.uint64) << np.uint64(32) | philox(np.arange(count), 1, own)[0]


if __name__ == "__main__":
    # What GeneratorTests has of this stream.
    words = philox(np.arange(2), 0, key(42, "dare", "model.norm.weight"))
    numbers = [int(w[0]) << 32 | int(w[1]) for block in words.T for w in (block[:2], block[2:])]
    assert numbers == [3214061412708859130, 9931132003076562147, 2118268041132232584, 4381011872904037899], numbers
