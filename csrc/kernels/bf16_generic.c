/* bf16_generic.c: bfloat16 numbers and their products in plain C, for vectors of 16 bytes (SSE2, NEON). */
#include "kernels.h"
#include <string.h>

#define LANES 4
#define ROWS 1
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef uint32_t bits __attribute__((vector_size(4 * LANES)));
#include "bf16.inl"

static void nothing(void) {}

void gt__bf16_generic(gt__bf16_kernels *table) {
  *table = (gt__bf16_kernels){.begin = nothing, .end = nothing, .block = block, .pair_columns = pair_columns, .pair_rows = pair_rows,
                              .round = round_part};
}
