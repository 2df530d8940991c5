/* winograd_avx512.c: Winograd's transforms for AVX-512. */
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

typedef __m512 vec;
#define LANES 16
#define LOAD_PART(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p)
#define STORE_PART(p, v, n) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), v)
#define STREAM(p, v) _mm512_stream_ps(p, v)
#define FENCE _mm_sfence()
#include "winograd.inl"

void gt__winograd_avx512(gt__winograd_kernels *to) { *to = table; }
#endif
