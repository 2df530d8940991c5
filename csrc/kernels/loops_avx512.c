/* loops_avx512.c: the loops of loops.inl for AVX-512. */
#if defined(__x86_64__)
#include "loops.inl"

void gt__loops_avx512(gt__loop_kernels *to) { *to = table; }
#endif
