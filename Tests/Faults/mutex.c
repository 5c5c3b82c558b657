// Tells the thread sanitizer of Swift's `Mutex`, put before a program with LD_PRELOAD.
//
// Taking a `Mutex` that is free, and giving back one that nobody waits for, are atomic operations in our own code, which the sanitizer
// sees. Where a thread waits, Swift's library lets the kernel hand the lock over, and the library is not instrumented: without this, all
// that such a lock protects looks like a race. These two functions stand in for the library's and say what happens: whoever gives the
// lock back has done all that whoever then has it sees.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

// The sanitizer's, which is part of the program.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#define SELF __attribute__((swift_context)) void *self

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef __attribute__((swiftcall)) void (*Locking)(uint32_t thread, SELF);
typedef __attribute__((swiftcall)) void (*Unlocking)(SELF);

static Locking lock_slow;
static Unlocking unlock_slow;

__attribute__((constructor)) static void find(void) {
  lock_slow = (Locking)dlsym(RTLD_NEXT, LOCK);
  unlock_slow = (Unlocking)dlsym(RTLD_NEXT, UNLOCK);
}

__attribute__((swiftcall)) void told_lock_slow(uint32_t thread, SELF) __asm__(LOCK);
__attribute__((swiftcall)) void told_unlock_slow(SELF) __asm__(UNLOCK);

__attribute__((swiftcall)) void told_lock_slow(uint32_t thread, SELF) {
  lock_slow(thread, self);
  if (__tsan_acquire) __tsan_acquire(self);
}

__attribute__((swiftcall)) void told_unlock_slow(SELF) {
  if (__tsan_release) __tsan_release(self);
  unlock_slow(self);
}
