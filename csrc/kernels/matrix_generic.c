/* matrix_generic.c: blocks of matrix products and transposition in plain C, for vectors of 16 bytes (SSE2, NEON). */
#include "kernels.h"
#include <string.h>

typedef float vec_f __attribute__((vector_size(16)));
typedef double vec_d __attribute__((vector_size(16)));

static inline vec_f load_part_f(const float *p, int n) {
  vec_f v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
static inline void store_part_f(float *p, vec_f v, int n) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
static inline vec_d load_part_d(const double *p, int n) { return (vec_d){n > 0 ? p[0] : 0, 0}; }
static inline void store_part_d(double *p, vec_d v, int n) {
  if (n > 0) p[0] = v[0];
}

#define ROWS 4
#define VECS 2
#define SIDE 4

#define real float
#define vec vec_f
#define LANES 4
#define PRODUCT gt__product_f
#define FN(name) name##_f
#define LOAD_PART load_part_f
#define STORE_PART store_part_f
#define SQUARE square_f
static inline void square_f(float *to, int64_t to_row, const float *from, int64_t from_row) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) to[j * to_row + i] = from[i * from_row + j];
  }
}
#include "matrix.inl"
#include "peak.inl"
#include "transpose.inl"
#undef real
#undef vec
#undef LANES
#undef PRODUCT
#undef FN
#undef LOAD_PART
#undef STORE_PART
#undef SQUARE

#define real double
#define vec vec_d
#define LANES 2
#define PRODUCT gt__product_d
#define FN(name) name##_d
#define LOAD_PART load_part_d
#define STORE_PART store_part_d
#define SQUARE square_d
static inline void square_d(double *to, int64_t to_row, const double *from, int64_t from_row) {
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) to[j * to_row + i] = from[i * from_row + j];
  }
}
#include "matrix.inl"
#include "transpose.inl"

void gt__matrix_generic(gt__matrix_kernels *table) {
  *table = (gt__matrix_kernels){.rows_f = ROWS, .cols_f = VECS * 4, .rows_d = ROWS, .cols_d = VECS * 2,
                                .block_f = block_f, .block_d = block_d, .transpose_f = transpose_f, .transpose_d = transpose_d, .peak_f = peak_f,
                                .peak_width = CHAINS * 4};
}
