/* peak.inl: as many multiply-adds as the processor can do, on registers alone: what the speed of kernels is a share of. vec, LANES and
 * FN as in matrix.inl. */
enum { CHAINS = 12 };         /* sums that do not wait for each other; with the two operands they fit 16 registers */

/* rounds x CHAINS vectors of multiply-adds. Returns something that depends on all of them. */
static float FN(peak)(int64_t rounds) {
  vec sum[CHAINS], scale, shift;
  for (int l = 0; l < LANES; l++) scale[l] = 0.999f, shift[l] = 1e-3f;
#pragma GCC unroll 12
  for (int i = 0; i < CHAINS; i++) sum[i] = shift + (float)i;
  for (int64_t r = 0; r < rounds; r++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * scale + shift;
  }
  vec all = sum[0];
#pragma GCC unroll 12
  for (int i = 1; i < CHAINS; i++) all += sum[i];
  float result = 0;
  for (int l = 0; l < LANES; l++) result += all[l];
  return result;
}
