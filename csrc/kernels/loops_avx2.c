/* loops_avx2.c: the loops of loops.inl for AVX2. */
#if defined(__x86_64__)
#include "loops.inl"

void gt__loops_avx2(gt__loop_kernels *to) { *to = table; }
#endif
