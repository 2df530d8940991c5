/* bf16_avx512.c: bfloat16 numbers and their products for AVX-512. */
#include "kernels.h"
#if defined(__x86_64__)
#include <string.h>

#define LANES 16
#define ROWS 8
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
#include "bf16.inl"

void gt__bf16_avx512(gt__bf16_kernels *table) {
  table->block = block;
  table->pair_columns = pair_columns;
  table->pair_rows = pair_rows;
  table->round = round_part;
}
#endif
