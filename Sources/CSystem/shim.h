// Calls of the system that Swift cannot make: the C library has no function for them, or hides it.

#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/syscall.h>
#endif

// Opens what a path leads to, seen from a folder that is open, and never anything outside that folder: neither `..`, nor an
// absolute path, nor a symbolic link leads out of it. -1 with ENOSYS where the kernel cannot do that (Linux before 5.6).
static inline int mergekit_open_beneath(int folder, const char *path, int flags) {
#if defined(__linux__) && defined(SYS_openat2)
  struct {
    uint64_t flags, mode, resolve;
  } how = {(uint64_t)flags, 0, 0x08 /* RESOLVE_BENEATH */ | 0x02 /* RESOLVE_NO_MAGICLINKS */};
  return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
#else
  (void)folder, (void)path, (void)flags;
  errno = ENOSYS;
  return -1;
#endif
}

// Moves a name from one open folder to another where nothing has that name yet: EEXIST where something has. EINVAL or
// ENOSYS where the file system cannot do that at once.
static inline int mergekit_move_unless_there(int from, const char *name, int to, const char *target) {
#if defined(__linux__) && defined(SYS_renameat2)
  return (int)syscall(SYS_renameat2, from, name, to, target, 1 /* RENAME_NOREPLACE */);
#elif defined(__APPLE__)
  return renameatx_np(from, name, to, target, RENAME_EXCL);
#else
  (void)from, (void)name, (void)to, (void)target;
  errno = ENOSYS;
  return -1;
#endif
}

// Lets two names in open folders change places at once. EINVAL or ENOSYS where the file system cannot do that.
static inline int mergekit_exchange(int from, const char *name, int to, const char *target) {
#if defined(__linux__) && defined(SYS_renameat2)
  return (int)syscall(SYS_renameat2, from, name, to, target, 2 /* RENAME_EXCHANGE */);
#elif defined(__APPLE__)
  return renameatx_np(from, name, to, target, RENAME_SWAP);
#else
  (void)from, (void)name, (void)to, (void)target;
  errno = ENOSYS;
  return -1;
#endif
}
