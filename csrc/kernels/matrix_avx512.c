/* matrix_avx512.c: blocks of matrix products and transposition for AVX-512. A block of 6 x 4 vectors leaves eight of the 32
 * registers to the operands, and reads fewer elements for a product than 12 x 2 would. */
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define ROWS 6
#define VECS 4

#define real float
#define vec __m512
#define LANES 16
#define PRODUCT gt__product_f
#define FN(name) name##_f
#define LOAD_PART(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), v)
#define SIDE 16
#define SQUARE square_f
static inline void square_f(float *to, int64_t to_row, const float *from, int64_t from_row) {
  __m512 r[16], s[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(from + i * from_row);
  for (int i = 0; i < 8; i++) {
    s[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    s[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; i++) { /* r[4 i + j]: columns j, j + 4, j + 8, j + 12 of rows 4 i .. 4 i + 3 */
    r[4 * i] = _mm512_shuffle_ps(s[4 * i], s[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm512_shuffle_ps(s[4 * i], s[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm512_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm512_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0xee);
  }
  for (int j = 0; j < 4; j++) { /* four columns, each in quarters that lie in four registers */
    __m512 low = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x88), high = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x88);
    __m512 low_odd = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xdd), high_odd = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xdd);
    _mm512_storeu_ps(to + j * to_row, _mm512_shuffle_f32x4(low, high, 0x88));
    _mm512_storeu_ps(to + (j + 8) * to_row, _mm512_shuffle_f32x4(low, high, 0xdd));
    _mm512_storeu_ps(to + (j + 4) * to_row, _mm512_shuffle_f32x4(low_odd, high_odd, 0x88));
    _mm512_storeu_ps(to + (j + 12) * to_row, _mm512_shuffle_f32x4(low_odd, high_odd, 0xdd));
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
#define vec __m512d
#define LANES 8
#define PRODUCT gt__product_d
#define FN(name) name##_d
#define LOAD_PART(p, n) _mm512_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p)
#define STORE_PART(p, v, n) _mm512_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), v)
#include "matrix.inl"

void gt__matrix_avx512(gt__matrix_kernels *table) {
  table->rows_f = table->rows_d = ROWS;
  table->cols_f = VECS * 16;
  table->cols_d = VECS * 8;
  table->block_f = block_f;
  table->peak_f = peak_f;
  table->peak_width = CHAINS * 16;
  table->block_d = block_d;
  table->transpose_f = transpose_f;
}
#endif
