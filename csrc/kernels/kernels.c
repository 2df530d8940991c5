/* kernels.c: fills the tables of kernels.h for this processor, once. */
#include "kernels.h"
#include <pthread.h>

static gt__matrix_kernels matrix;
static gt__winograd_kernels winograd;
static gt__loop_kernels loops;
static gt__bf16_kernels bf16;
static pthread_once_t once = PTHREAD_ONCE_INIT;

void gt__matrix_kernels_at(gt__matrix_kernels *table, int level) {
  gt__matrix_generic(table);
#if defined(__x86_64__)
  if (level < GT__CPU_AVX2) return;
  gt__matrix_avx2(table);
  if (level < GT__CPU_AVX512) return;
  gt__matrix_avx512(table);
#else
  (void)level;
#endif
}

void gt__winograd_kernels_at(gt__winograd_kernels *table, int level) {
  gt__winograd_generic(table);
#if defined(__x86_64__)
  if (level < GT__CPU_AVX2) return;
  gt__winograd_avx2(table);
  if (level < GT__CPU_AVX512) return;
  gt__winograd_avx512(table);
#else
  (void)level;
#endif
}

void gt__loop_kernels_at(gt__loop_kernels *table, int level) {
  gt__loops_generic(table);
#if defined(__x86_64__)
  if (level < GT__CPU_AVX2) return;
  gt__loops_avx2(table);
  if (level < GT__CPU_AVX512) return;
  gt__loops_avx512(table);
#else
  (void)level;
#endif
}

void gt__bf16_kernels_at(gt__bf16_kernels *table, int level) {
  gt__bf16_generic(table);
#if defined(__x86_64__)
  if (level < GT__CPU_AVX2) return;
  gt__bf16_avx2(table);
  if (level < GT__CPU_AVX512) return;
  gt__bf16_avx512(table);
  if (level < GT__CPU_AMX) return;
  gt__bf16_amx(table);
#else
  (void)level;
#endif
}

static void fill(void) {
  gt__matrix_kernels_at(&matrix, gt__cpu());
  gt__winograd_kernels_at(&winograd, gt__cpu());
  gt__loop_kernels_at(&loops, gt__cpu());
  gt__bf16_kernels_at(&bf16, gt__cpu());
}

const gt__matrix_kernels *gt__matrix(void) {
  pthread_once(&once, fill);
  return &matrix;
}

const gt__winograd_kernels *gt__winograd(void) {
  pthread_once(&once, fill);
  return &winograd;
}

const gt__loop_kernels *gt__loops(void) {
  pthread_once(&once, fill);
  return &loops;
}

static const gt__bf16_kernels *other_bf16;

void gt__bf16_replace(const gt__bf16_kernels *table) { other_bf16 = table; }

const gt__bf16_kernels *gt__bf16(void) {
  pthread_once(&once, fill);
  return other_bf16 ? other_bf16 : &bf16;
}
