/* mixed.inl: products of double weights with rows of floats, as linear classifiers want them (kernels.h says what). */

enum { MIXED = 32 }; /* partial sums: more of them hide the additions' latency */

static double mixed_dot(const double *w, const float *x, int64_t n) {
  double lane[MIXED] = {0};
  int64_t i = 0;
  for (; i + MIXED <= n; i += MIXED)
    for (int j = 0; j < MIXED; j++) lane[j] += w[i + j] * (double)x[i + j];
  for (int j = 0; i < n; i++, j++) lane[j] += w[i] * (double)x[i];
  for (int half = MIXED / 2; half; half /= 2)
    for (int j = 0; j < half; j++) lane[j] += lane[j + half];
  return lane[0];
}

static void mixed_add(double *restrict w, double d, const float *restrict x, int64_t n) {
  for (int64_t i = 0; i < n; i++) w[i] += d * (double)x[i];
}
