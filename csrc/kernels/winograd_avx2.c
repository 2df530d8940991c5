/* winograd_avx2.c: Winograd's transforms for AVX2. */
#include "kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

typedef __m256 vec;
#define LANES 8

static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1}; /* ones in the first n places, from 8 - n on */
#define FIRST(n) _mm256_loadu_si256((const __m256i *)(mask + 8 - (n)))
#define LOAD_PART(p, n) _mm256_maskload_ps(p, FIRST(n))
#define STORE_PART(p, v, n) _mm256_maskstore_ps(p, FIRST(n), v)
#define STREAM(p, v) _mm256_stream_ps(p, v)
#define FENCE _mm_sfence()
#include "winograd.inl"

void gt__winograd_avx2(gt__winograd_kernels *to) { *to = table; }
#endif
