/* positions.inl: what ops/fold.c does besides reducing: gathering, finding, and running sums; once with real = float and once with
 * double. */

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
