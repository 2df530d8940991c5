/* reduce.inl: the inner loops of reductions (kernels.h says what); once with real = float and once with double. Elements are taken in
 * an order that depends on the counts only, so strides and threads do not change a bit of the result. */

#define ROW(name, first, expression, combine)                                                                             \
  static void FN(fold_##name)(double *lanes, const void *row, int64_t n, double s) {                                       \
    const real *a = row;                                                                                                  \
    double lane[LANES];                                                                                                   \
    int64_t i = 0;                                                                                                        \
    (void)s;                                                                                                              \
    for (int j = 0; j < LANES; j++) lane[j] = lanes[j];                                                                   \
    for (; i + LANES <= n; i += LANES)                                                                                    \
      for (int j = 0; j < LANES; j++) { const double t = lane[j], x = (double)a[i + j]; lane[j] = expression; }           \
    for (int j = 0; i < n; i++, j++) { const double t = lane[j], x = (double)a[i]; lane[j] = expression; }                \
    for (int j = 0; j < LANES; j++) lanes[j] = lane[j];                                                                   \
  }
GT_REDUCE_STEPS(ROW)

#define COLUMNS(name, first, expression, combine)                                                                         \
  static void FN(columns_##name)(double *restrict total, const void *from, int64_t rows, int64_t columns, int64_t step,    \
                                const double *restrict shift) {                                                           \
    const real *restrict a = from;                                                                                        \
    int64_t j = 0;                                                                                                        \
    for (; j + 4 <= rows; j += 4, a += 4 * step) {                                                                        \
      for (int64_t c = 0; c < columns; c++) {                                                                             \
        const double s = shift[c];                                                                                        \
        double t = total[c], x = (double)a[c];                                                                            \
        (void)s;                                                                                                          \
        t = expression; x = (double)a[step + c];                                                                          \
        t = expression; x = (double)a[2 * step + c];                                                                      \
        t = expression; x = (double)a[3 * step + c];                                                                      \
        total[c] = expression;                                                                                            \
      }                                                                                                                   \
    }                                                                                                                     \
    for (; j < rows; j++, a += step)                                                                                      \
      for (int64_t c = 0; c < columns; c++) {                                                                             \
        const double s = shift[c], t = total[c], x = (double)a[c];                                                        \
        (void)s;                                                                                                          \
        total[c] = expression;                                                                                            \
      }                                                                                                                   \
  }
GT_REDUCE_STEPS(COLUMNS)

/* sum of a[i] * b[i] into lanes, as the rows above. */
static void FN(fold_dot)(double *lanes, const void *left, const void *right, int64_t n) {
  const real *a = left, *b = right;
  double lane[LANES];
  int64_t i = 0;
  for (int j = 0; j < LANES; j++) lane[j] = lanes[j];
  for (; i + LANES <= n; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += (double)a[i + j] * (double)b[i + j];
  for (int j = 0; i < n; i++, j++) lane[j] += (double)a[i] * (double)b[i];
  for (int j = 0; j < LANES; j++) lanes[j] = lane[j];
}

#undef ROW
#undef COLUMNS
