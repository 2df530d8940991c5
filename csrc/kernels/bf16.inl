/* bf16.inl: bfloat16 numbers, once for every CPU level: rounding to them, and the block of a product (kernels.h).
 * vec, bits: vectors of LANES floats and of as many uint32_t; ROWS: rows of a block whose sums, of all columns, fit the registers.
 */

enum { PAIRS = GT__BF16_DEPTH / 2, VECS = GT__BF16_SIDE / LANES };

/* ---- rounding: to the nearest number with 8 significant bits, of two equally near ones the even one ------------------ */

/* In the upper half; the lower half is to be cut off. What is too large becomes infinite; a NaN stays one. */
static inline uint32_t nearest(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return (u & 0x7fffffff) > 0x7f800000 ? u | 0x400000 : u + 0x7fff + (u >> 16 & 1);
}

static inline float upper(uint32_t u) {
  float x;
  u &= 0xffff0000;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* What x is more than the number nearest to it; nothing where that is no finite number. */
static inline float rest(float x, uint32_t u) { return (u & 0x7f800000) == 0x7f800000 ? 0 : x - upper(u); }

static inline uint32_t pair(uint32_t first, uint32_t second) { return first >> 16 | (second & 0xffff0000); }

static void round_part(float *to, const float *from, int64_t n, bool both) {
  if (both) {
    for (int64_t i = 0; i < n; i++) {
      uint32_t u = nearest(from[i]);
      to[i] = upper(u) + upper(nearest(rest(from[i], u)));
    }
  } else {
    for (int64_t i = 0; i < n; i++) to[i] = upper(nearest(from[i]));
  }
}

static void pair_columns(uint32_t *restrict to, uint32_t *restrict low, const float *restrict from, int64_t from_row, int64_t rows,
                         int cols) {
  float row[GT__BF16_DEPTH] = {0};
  for (int64_t r = 0; r < rows; r++, from += from_row, to += PAIRS) {
    uint32_t u[GT__BF16_DEPTH];
    const float *x = from;
    if (cols < GT__BF16_DEPTH) x = memcpy(row, from, (size_t)cols * sizeof *from);
    for (int j = 0; j < GT__BF16_DEPTH; j++) u[j] = nearest(x[j]);
    for (int j = 0; j < PAIRS; j++) to[j] = pair(u[2 * j], u[2 * j + 1]);
    if (!low) continue;
    for (int j = 0; j < GT__BF16_DEPTH; j++) u[j] = nearest(rest(x[j], u[j]));
    for (int j = 0; j < PAIRS; j++) low[j] = pair(u[2 * j], u[2 * j + 1]);
    low += PAIRS;
  }
}

static void pair_rows(uint32_t *restrict to, uint32_t *restrict low, const float *restrict from, int64_t from_row, int64_t rows, int cols) {
  float row[2][GT__BF16_SIDE] = {{0}};
  for (int64_t r = 0; r < rows; r += 2, from += 2 * from_row, to += GT__BF16_SIDE) {
    const float *x = from, *y = from + from_row;
    if (cols < GT__BF16_SIDE) x = memcpy(row[0], x, (size_t)cols * sizeof *from);
    if (r + 1 == rows) y = memset(row[1], 0, sizeof row[1]);
    else if (cols < GT__BF16_SIDE) y = memcpy(row[1], y, (size_t)cols * sizeof *from);
    for (int j = 0; j < GT__BF16_SIDE; j++) to[j] = pair(nearest(x[j]), nearest(y[j]));
    if (!low) continue;
    for (int j = 0; j < GT__BF16_SIDE; j++) low[j] = pair(nearest(rest(x[j], nearest(x[j]))), nearest(rest(y[j], nearest(y[j]))));
    low += GT__BF16_SIDE;
  }
}

/* ---- products --------------------------------------------------------------------------------------------------------- */

/* Before a loop over registers, which has to disappear. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

static inline __attribute__((always_inline)) void some_rows(const gt__product_b *p, int64_t r0, const int rows, int cols) {
  vec sum[ROWS][VECS];
  UNROLL
  for (int r = 0; r < rows; r++) {
    UNROLL
    for (int v = 0; v < VECS; v++) sum[r][v] = (vec){0};
  }
  for (int64_t t = 0; t < p->count; t++) {
    for (int64_t q = 0; q < p->depth; q++) {
      const uint32_t *a = p->a[t] + p->a_offset + q * p->a_block + r0 * PAIRS, *b = p->b[t] + p->b_offset + q * p->b_block;
      for (int l = 0; l < PAIRS; l++, b += GT__BF16_SIDE) {
        vec first[VECS], second[VECS];
        UNROLL
        for (int v = 0; v < VECS; v++) {
          bits both;
          memcpy(&both, b + v * LANES, sizeof both);
          first[v] = (vec)(both << 16), second[v] = (vec)(both & 0xffff0000);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
          bits both = (bits){0} + a[r * PAIRS + l];
          vec x = (vec)(both << 16), y = (vec)(both & 0xffff0000);
          UNROLL
          for (int v = 0; v < VECS; v++) sum[r][v] += x * first[v], sum[r][v] += y * second[v];
        }
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    float *c = p->c + (r0 + r) * p->c_row, all[GT__BF16_SIDE];
    memcpy(all, sum[r], sizeof all);
    for (int j = 0; j < cols; j++) c[j] = p->add ? c[j] + all[j] : all[j];
  }
}

static void block(const gt__product_b *p, int rows, int cols) {
  int r = 0;
  for (; r + ROWS <= rows; r += ROWS) some_rows(p, r, ROWS, cols);
  for (; r < rows; r++) some_rows(p, r, 1, cols);
}
#undef UNROLL
