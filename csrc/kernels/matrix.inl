/* matrix.inl: the block of a batch-reduce matrix product (kernels.h), once for every CPU level and type.
 * real: the element type; vec: a vector of LANES of them; ROWS x VECS vectors: the largest block, chosen so that its sums, one
 * row of b and one element of a fit the registers; PRODUCT: gt__product_f or gt__product_d; FN(name): the function's name;
 * LOAD_PART(p, n), STORE_PART(p, v, n): the first n < LANES elements, the rest zero or left alone.
 */

/* Before a loop over registers, which has to disappear. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

static inline __attribute__((always_inline)) vec FN(load)(const real *p) {
  vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline __attribute__((always_inline)) void FN(store)(real *p, vec v) { memcpy(p, &v, sizeof v); }

/* Columns j .. j + vecs * LANES - 1, or (vecs is 1) `part` columns where part is not 0. rows and vecs are constants of the caller. */
static inline __attribute__((always_inline)) void FN(columns)(const PRODUCT *p, const int rows, const int vecs, int64_t j, int part) {
  vec sum[ROWS][VECS];
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < vecs; v++) sum[r][v] = (vec){0};
  }
  const int64_t a_row = p->a_row, a_step = p->a_step, b_row = p->b_row, k = p->k, line = p->ahead ? p->ahead_step : 0;
  const char *ahead = p->ahead ? p->ahead : p->b;
  for (int64_t t = 0; t < p->count; t++) {
    const real *a = p->a[t] + p->a_offset, *b = p->b[t] + p->b_offset + j;
    for (int64_t l = 0; l < k; l++, a += a_step, b += b_row, ahead += line) {
      __builtin_prefetch(ahead, 0, 2);
      vec row[VECS];
      UNROLL
      for (int v = 0; v < vecs; v++) row[v] = part ? LOAD_PART(b, part) : FN(load)(b + v * LANES);
      UNROLL
      for (int r = 0; r < rows; r++) {
        UNROLL
        for (int v = 0; v < vecs; v++) sum[r][v] += a[r * a_row] * row[v];
      }
    }
  }
  const bool add = p->add;
  UNROLL
  for (int r = 0; r < rows; r++) {
    real *c = p->c + r * p->c_row + j;
    UNROLL
    for (int v = 0; v < vecs; v++) {
      vec all = sum[r][v];
      if (part) {
        if (add) all += LOAD_PART(c, part);
        STORE_PART(c, all, part);
      } else {
        if (add) all += FN(load)(c + v * LANES);
        FN(store)(c + v * LANES, all);
      }
    }
  }
}

#define CASE(R)                                                                               \
  case R:                                                                                     \
    if (cols == VECS * LANES) {                                                               \
      FN(columns)(p, R, VECS, 0, 0);                                                          \
    } else {                                                                                  \
      int64_t j = 0;                                                                          \
      for (; j + 2 * LANES <= cols; j += 2 * LANES) FN(columns)(p, R, 2, j, 0);               \
      if (j + LANES <= cols) FN(columns)(p, R, 1, j, 0), j += LANES;                          \
      if (j < cols) FN(columns)(p, R, 1, j, (int)(cols - j));                                 \
    }                                                                                         \
    break;

static void FN(block)(const PRODUCT *p, int rows, int cols) {
  switch (rows) {
    CASE(1)
    CASE(2)
    CASE(3)
    CASE(4)
#if ROWS > 4
    CASE(5)
    CASE(6)
#endif
  }
}
#undef CASE
#undef UNROLL
