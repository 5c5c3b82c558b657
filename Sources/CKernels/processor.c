#include "CKernels.h"

KernelProcessor kernel_processor(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  int skylake = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
  if (skylake && __builtin_cpu_supports("avx512bf16")) return KernelProcessorCooperLake;
  if (skylake) return KernelProcessorSkylakeX;
#endif
  return KernelProcessorOther;
}
