/* reduce.inl: the inner loops of reductions; included once with real = float and once with double. Elements are taken in
 * an order that depends on the counts only, so strides and threads do not change a bit of the result. */

/* lanes[LANES] += row of n elements, stride 1: element i goes to lane i % LANES. */
#define ROW(name, first, expression, combine)                                                                             \
  static void K(row_##name)(double *lanes, const void *row, int64_t n, double s) {                                        \
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

/* total[c] += a[j * row_step + c * column_step] for j in 0..rows-1, c in 0..columns-1, in order of j. */
#define COLUMNS(name, first, expression, combine)                                                                         \
  static void K(columns_##name)(double *total, const void *from, int64_t rows, int64_t columns, int64_t row_step,         \
                                int64_t column_step, const double *shift) {                                               \
    const real *a = from;                                                                                                 \
    int64_t j = 0;                                                                                                        \
    if (column_step == 1) {                                                                                               \
      for (; j + 4 <= rows; j += 4) {                                                                                     \
        const real *a0 = a + j * row_step, *a1 = a0 + row_step, *a2 = a1 + row_step, *a3 = a2 + row_step;                 \
        for (int64_t c = 0; c < columns; c++) {                                                                           \
          const double s = shift[c];                                                                                      \
          double t = total[c], x = (double)a0[c];                                                                         \
          (void)s;                                                                                                        \
          t = expression; x = (double)a1[c];                                                                              \
          t = expression; x = (double)a2[c];                                                                              \
          t = expression; x = (double)a3[c];                                                                              \
          total[c] = expression;                                                                                          \
        }                                                                                                                 \
      }                                                                                                                   \
    }                                                                                                                     \
    for (; j < rows; j++)                                                                                                 \
      for (int64_t c = 0; c < columns; c++) {                                                                             \
        const double s = shift[c], t = total[c], x = (double)a[j * row_step + c * column_step];                           \
        (void)s;                                                                                                          \
        total[c] = expression;                                                                                            \
      }                                                                                                                   \
  }
GT_REDUCE_STEPS(COLUMNS)

/* block[i] = a[i * step] */
static void K(gather)(void *block, const void *from, int64_t n, int64_t step) {
  real *r = block;
  const real *a = from;
  for (int64_t i = 0; i < n; i++) r[i] = a[i * step];
}

/* index[c] = the first j + 1 whose element equals best[c] (or is NaN where best is). */
static void K(find)(int64_t *index, const void *from, int64_t rows, int64_t columns, int64_t row_step, int64_t column_step,
                    const double *best) {
  const real *a = from;
  if (columns == 1) {
    const double b = best[0];
    int64_t j = 0;
    if (b == b) while ((double)a[j * row_step] != b) j++;
    else while (a[j * row_step] == a[j * row_step]) j++;
    index[0] = j + 1;
    return;
  }
  for (int64_t j = rows - 1; j >= 0; j--)
    for (int64_t c = 0; c < columns; c++) {
      const double x = (double)a[j * row_step + c * column_step];
      if (x == best[c] || (x != x && best[c] != best[c])) index[c] = j + 1;
    }
}

/* r[j][c] = running sum (or product) over j of a[j][c]; total: columns doubles that hold the first value. */
static void K(cumulate)(void *to, const void *from, double *total, bool product, int64_t rows, int64_t columns, const int64_t *r_step,
                        const int64_t *a_step) {
  real *r = to;
  const real *a = from;
  for (int64_t j = 0; j < rows; j++)
    for (int64_t c = 0; c < columns; c++) {
      const double x = (double)a[j * a_step[0] + c * a_step[1]];
      total[c] = product ? total[c] * x : total[c] + x;
      r[j * r_step[0] + c * r_step[1]] = (real)total[c];
    }
}

/* sum of a[i] * b[i] into lanes, as the rows above. */
static void K(row_dot)(double *lanes, const void *left, const void *right, int64_t n) {
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
