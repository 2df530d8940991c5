/* cpu.c: what this processor can do, asked of CPUID and of the register state that the system saves; GANTRY_CPU caps it. */
#include "core.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int level;
static char name[64];
static const char *const level_names[] = {"generic", "avx2", "avx512", "amx"};

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t saved_state(void) { /* XCR0: the registers that the system saves at a task switch */
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

static void detect(void) {
  uint32_t a, b, c, d;
  char *p = name;
  for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
    if (!__get_cpuid(leaf, &a, &b, &c, &d)) break;
    memcpy(p, &a, 4), memcpy(p + 4, &b, 4), memcpy(p + 8, &c, 4), memcpy(p + 12, &d, 4);
    p += 16;
  }
  if (!__get_cpuid(1, &a, &b, &c, &d)) return;
  if (!(c & bit_OSXSAVE) || !(c & bit_AVX) || !(c & bit_FMA) || (saved_state() & 0x6) != 0x6) return;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) return;
  level = GT__CPU_AVX2;
  const uint32_t avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL | bit_AVX512CD;
  if ((b & avx512) != avx512 || (saved_state() & 0xe6) != 0xe6) return;
  level = GT__CPU_AVX512;
  const uint32_t amx_tile = 1u << 24, amx_bf16 = 1u << 22; /* in EDX */
  if ((d & (amx_tile | amx_bf16)) != (amx_tile | amx_bf16) || (saved_state() & 0x60000) != 0x60000) return;
  /* The system hands out the tile registers only to those who ask: ARCH_REQ_XCOMP_PERM, component 18. */
  if (syscall(SYS_arch_prctl, 0x1023, 18) == 0) level = GT__CPU_AMX;
}
#else
static void detect(void) {
  strcpy(name,
#if defined(__aarch64__)
         "arm64"
#else
         "unknown"
#endif
  );
}
#endif

static void start(void) {
  detect();
  char *p = name;
  while (*p == ' ') p++;
  memmove(name, p, strlen(p) + 1);
  const char *cap = getenv("GANTRY_CPU");
  for (int l = 0; cap && l < level; l++)
    if (!strcmp(cap, level_names[l])) level = l;
}

int gt__cpu(void) {
  pthread_once(&once, start);
  return level;
}

const char *gt_cpu_name(void) {
  pthread_once(&once, start);
  return name[0] ? name : "unknown processor";
}

const char *gt_cpu_level(void) { return level_names[gt__cpu()]; }
