/* matrix_avx2.c: blocks of matrix products and transposition for AVX2 with FMA. A block of 6 x 2 vectors leaves four of the
 * sixteen registers to the operands. */
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

/* Ones in the first n places. */
static const int32_t mask_f[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
static const int64_t mask_d[8] = {-1, -1, -1, -1};
static inline __m256i first_f(int n) { return _mm256_loadu_si256((const __m256i *)(mask_f + 8 - n)); }
static inline __m256i first_d(int n) { return _mm256_loadu_si256((const __m256i *)(mask_d + 4 - n)); }

#define ROWS 6
#define VECS 2

#define real float
#define vec __m256
#define LANES 8
#define PRODUCT gt__product_f
#define FN(name) name##_f
#define LOAD_PART(p, n) _mm256_maskload_ps(p, first_f(n))
#define STORE_PART(p, v, n) _mm256_maskstore_ps(p, first_f(n), v)
#define SIDE 8
#define SQUARE square_f
static inline void square_f(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m256 r[8], s[8];
  for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps(from + i * from_row);
  for (int i = 0; i < 4; i++) {
    s[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    s[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; i++) { /* r[4 i + j]: columns j and j + 4 of rows 4 i .. 4 i + 3 */
    r[4 * i] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0xee);
  }
  for (int j = 0; j < 4; j++) {
    _mm256_storeu_ps(to + j * to_row, _mm256_permute2f128_ps(r[j], r[4 + j], 0x20));
    _mm256_storeu_ps(to + (4 + j) * to_row, _mm256_permute2f128_ps(r[j], r[4 + j], 0x31));
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

#define real double
#define vec __m256d
#define LANES 4
#define PRODUCT gt__product_d
#define FN(name) name##_d
#define LOAD_PART(p, n) _mm256_maskload_pd(p, first_d(n))
#define STORE_PART(p, v, n) _mm256_maskstore_pd(p, first_d(n), v)
#include "matrix.inl"

void gt__matrix_avx2(gt__matrix_kernels *table) {
  table->rows_f = table->rows_d = ROWS;
  table->cols_f = VECS * 8;
  table->cols_d = VECS * 4;
  table->block_f = block_f;
  table->peak_f = peak_f;
  table->peak_width = CHAINS * 8;
  table->block_d = block_d;
  table->transpose_f = transpose_f;
}
#endif
