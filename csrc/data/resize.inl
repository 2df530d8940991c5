/* resize.inl: resampling of planes of `real`, included for float and double by resize.c. */

/* out[n] = the filter over one row. */
static void NAME(across)(real *out, const real *row, const gt__filter *f) {
  for (int i = 0; i < f->n; i++) {
    const double *weight = f->weight + (size_t)i * (size_t)f->most;
    const real *from = row + f->first[i];
    real sum = 0;
    for (int k = 0; k < f->count[i]; k++) sum += (real)weight[k] * from[k];
    out[i] = sum;
  }
}

/* out[w] = row i of the filter down the columns of rows; row 0 of `rows` is input row `base`. */
static void NAME(down)(real *out, const real *rows, int w, const gt__filter *f, int i, int base) {
  const double *weight = f->weight + (size_t)i * (size_t)f->most;
  const real *from = rows + (size_t)(f->first[i] - base) * (size_t)w;
  memset(out, 0, (size_t)w * sizeof *out);
  for (int k = 0; k < f->count[i]; k++) {
    const real c = (real)weight[k], *row = from + (size_t)k * (size_t)w;
    for (int x = 0; x < w; x++) out[x] += c * row[x];
  }
}

/* One plane: out (fy->n x fx->n) from in (h x w); rows is room for h x fx->n. */
static void NAME(plane)(real *out, const real *in, int h, int w, const gt__filter *fy, const gt__filter *fx, real *rows) {
  for (int y = 0; y < h; y++) NAME(across)(rows + (size_t)y * (size_t)fx->n, in + (size_t)y * (size_t)w, fx);
  for (int i = 0; i < fy->n; i++) NAME(down)(out + (size_t)i * (size_t)fx->n, rows, fx->n, fy, i, 0);
}
