#ifndef MERGEKIT_CLONES_H
#define MERGEKIT_CLONES_H

#ifndef __has_feature
#define __has_feature(name) 0
#endif

/// A function that is compiled three times, one of which is chosen at load time. macOS has one width for all its processors; and
/// what chooses runs before the thread sanitizer is there, which it calls.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer)
#define CLONED __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define CLONED
#endif

#define INLINED static inline __attribute__((always_inline))

#endif
