/* winograd.inl: the transforms of Winograd's F(4, 2) in two dimensions, once for every CPU level.
 * vec: a vector of LANES floats; LOAD_PART(p, n), STORE_PART(p, v, n): the first n < LANES of them.
 *
 * Four outputs of two taps, y[r] = g[0] d[r] + g[1] d[r+1], from five products at the points 0, 1, -1, 2 and infinity (Lavin and
 * Gray 2015, arXiv 1509.09308; matrices by Toom and Cook's rule): y = At ((G g) * (Bt d)). The gradient by g is
 * Gt ((A y) * (Bt d)). One-dimensional transforms work on vectors `step` apart; two-dimensional ones do columns, then rows.
 */

static inline __attribute__((always_inline)) void one_bt(vec *o, const vec *d, const int to, const int from) {
  vec d1 = d[from], d2 = d[2 * from], d3 = d[3 * from];
  o[0] = 2 * (d[0] - d2) + (d3 - d1);
  o[to] = (d3 - d2) - 2 * d1;
  o[2 * to] = d3 - 3 * d2 + 2 * d1;
  o[3 * to] = d3 - d1;
  o[4 * to] = d[4 * from] - d2 - 2 * (d3 - d1);
}

static inline __attribute__((always_inline)) void one_at(vec *o, const vec *m, const int to, const int from) {
  vec m1 = m[from], m2 = m[2 * from], m3 = m[3 * from], sum = m1 + m2, difference = m1 - m2;
  o[0] = m[0] + sum + m3;
  o[to] = difference + 2 * m3;
  o[2 * to] = sum + 4 * m3;
  o[3 * to] = difference + 8 * m3 + m[4 * from];
}

static inline __attribute__((always_inline)) void one_a(vec *o, const vec *y, const int to, const int from) {
  vec y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from], even = y0 + y2, odd = y1 + y3;
  o[0] = y0;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = y0 + 2 * y1 + 4 * y2 + 8 * y3;
  o[4 * to] = y3;
}

static inline __attribute__((always_inline)) void one_g(vec *o, const vec *g, const int to, const int from) {
  vec g0 = g[0], g1 = g[from];
  o[0] = g0 * 0.5f;
  o[to] = (g0 + g1) * -0.5f;
  o[2 * to] = (g1 - g0) * (1.0f / 6);
  o[3 * to] = (g0 + 2 * g1) * (1.0f / 6);
  o[4 * to] = g1;
}

static inline __attribute__((always_inline)) void one_gt(vec *o, const vec *s, const int to, const int from) {
  vec s1 = s[from] * -0.5f, s2 = s[2 * from] * (1.0f / 6), s3 = s[3 * from] * (1.0f / 6);
  o[0] = s[0] * 0.5f + s1 - s2 + s3;
  o[to] = s1 + s2 + 2 * s3 + s[4 * from];
}

static inline __attribute__((always_inline)) vec load_some(const float *p, int part) {
  if (part) return LOAD_PART(p, part);
  vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* to[OUT][OUT] runs of `count` numbers from from[IN][IN] of them; NULL among `to` is not written. */
#define TRANSFORM(name, IN, OUT, one)                                                                     \
  static inline __attribute__((always_inline)) void name##_at(float *const *to, const float *const *from, int64_t i, int part) { \
    vec half[OUT * IN], column[IN], row[OUT];                                                             \
    UNROLL for (int q = 0; q < IN; q++) {                                                                 \
      UNROLL for (int r = 0; r < IN; r++) column[r] = load_some(from[r * IN + q] + i, part);              \
      one(half + q, column, IN, 1);                                                                       \
    }                                                                                                     \
    UNROLL for (int r = 0; r < OUT; r++) {                                                                \
      one(row, half + r * IN, 1, 1);                                                                      \
      UNROLL for (int q = 0; q < OUT; q++) {                                                              \
        float *p = to[r * OUT + q];                                                                       \
        if (!p) continue;                                                                                 \
        if (part) STORE_PART(p + i, row[q], part);                                                        \
        else memcpy(p + i, &row[q], sizeof row[q]);                                                       \
      }                                                                                                   \
    }                                                                                                     \
  }                                                                                                       \
  static void name(float *const *to, const float *const *from, int64_t count) {                           \
    int64_t i = 0;                                                                                        \
    for (; i + LANES <= count; i += LANES) name##_at(to, from, i, 0);                                     \
    if (i < count) name##_at(to, from, i, (int)(count - i));                                              \
  }

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
TRANSFORM(operand, 5, 5, one_bt)
TRANSFORM(result, 5, 4, one_at)
TRANSFORM(gradient, 4, 5, one_a)
TRANSFORM(weight, 2, 5, one_g)
TRANSFORM(weight_gradient, 5, 2, one_gt)
#undef TRANSFORM
#undef UNROLL

static const gt__winograd_kernels table = {operand, result, gradient, weight, weight_gradient};
