/* winograd.inl: the transforms of Winograd's F(4, 2) and F(4, 3) in two dimensions, once for every CPU level.
 * vec: a vector of LANES floats; LOAD_PART(p, n), STORE_PART(p, v, n): the first n < LANES of them; STREAM(p, v): a store past the caches, FENCE:
 * after those.
 *
 * Four outputs of r taps, y[i] = g[0] d[i] + ... + g[r-1] d[i+r-1], from r + 3 products at the points 0, 1, -1, 2, infinity and, for r = 3,
 * -2 (Lavin and Gray 2015, arXiv 1509.09308; matrices by Toom and Cook's rule): y = At ((G g) * (Bt d)). The gradient by g is
 * Gt ((A y) * (Bt d)). One-dimensional transforms work on vectors `step` apart; two-dimensional ones do columns, then rows.
 */

static inline __attribute__((always_inline)) void bt2(vec *o, const vec *d, const int to, const int from) {
  vec d1 = d[from], d2 = d[2 * from], d3 = d[3 * from];
  o[0] = 2 * (d[0] - d2) + (d3 - d1);
  o[to] = (d3 - d2) - 2 * d1;
  o[2 * to] = d3 - 3 * d2 + 2 * d1;
  o[3 * to] = d3 - d1;
  o[4 * to] = d[4 * from] - d2 - 2 * (d3 - d1);
}

static inline __attribute__((always_inline)) void at2(vec *o, const vec *m, const int to, const int from) {
  vec m1 = m[from], m2 = m[2 * from], m3 = m[3 * from], sum = m1 + m2, difference = m1 - m2;
  o[0] = m[0] + sum + m3;
  o[to] = difference + 2 * m3;
  o[2 * to] = sum + 4 * m3;
  o[3 * to] = difference + 8 * m3 + m[4 * from];
}

static inline __attribute__((always_inline)) void a2(vec *o, const vec *y, const int to, const int from) {
  vec y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from], even = y0 + y2, odd = y1 + y3;
  o[0] = y0;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = y0 + 2 * y1 + 4 * y2 + 8 * y3;
  o[4 * to] = y3;
}

static inline __attribute__((always_inline)) void g2(vec *o, const vec *g, const int to, const int from) {
  vec g0 = g[0], g1 = g[from];
  o[0] = g0 * 0.5f;
  o[to] = (g0 + g1) * -0.5f;
  o[2 * to] = (g1 - g0) * (1.0f / 6);
  o[3 * to] = (g0 + 2 * g1) * (1.0f / 6);
  o[4 * to] = g1;
}

static inline __attribute__((always_inline)) void gt2(vec *o, const vec *s, const int to, const int from) {
  vec s1 = s[from] * -0.5f, s2 = s[2 * from] * (1.0f / 6), s3 = s[3 * from] * (1.0f / 6);
  o[0] = s[0] * 0.5f + s1 - s2 + s3;
  o[to] = s1 + s2 + 2 * s3 + s[4 * from];
}

/* The same for three taps. */
static inline __attribute__((always_inline)) void bt3(vec *o, const vec *d, const int to, const int from) {
  vec d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from];
  vec even = d4 - 4 * d2, odd = d3 - 4 * d1, near_even = d4 - d2, near_odd = 2 * (d3 - d1);
  o[0] = 4 * (d[0] - d2) + near_even;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = near_even + near_odd;
  o[4 * to] = near_even - near_odd;
  o[5 * to] = 4 * (d1 - d3) + (d[5 * from] - d3);
}

static inline __attribute__((always_inline)) void at3(vec *o, const vec *m, const int to, const int from) {
  vec m1 = m[from], m2 = m[2 * from], m3 = m[3 * from], m4 = m[4 * from];
  vec sum = m1 + m2, difference = m1 - m2, far_sum = m3 + m4, far_difference = m3 - m4;
  o[0] = m[0] + sum + far_sum;
  o[to] = difference + 2 * far_difference;
  o[2 * to] = sum + 4 * far_sum;
  o[3 * to] = difference + 8 * far_difference + m[5 * from];
}

static inline __attribute__((always_inline)) void a3(vec *o, const vec *y, const int to, const int from) {
  vec y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
  vec even = y0 + y2, odd = y1 + y3, far_even = y0 + 4 * y2, far_odd = 2 * y1 + 8 * y3;
  o[0] = y0;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = far_even + far_odd;
  o[4 * to] = far_even - far_odd;
  o[5 * to] = y3;
}

static inline __attribute__((always_inline)) void g3(vec *o, const vec *g, const int to, const int from) {
  vec g0 = g[0], g1 = g[from], last = g[2 * from];
  vec even = (g0 + last) * (-1.0f / 6), odd = g1 * (-1.0f / 6), far_even = g0 * (1.0f / 24) + last * (1.0f / 6), far_odd = g1 * (1.0f / 12);
  o[0] = g0 * 0.25f;
  o[to] = even + odd;
  o[2 * to] = even - odd;
  o[3 * to] = far_even + far_odd;
  o[4 * to] = far_even - far_odd;
  o[5 * to] = last;
}

static inline __attribute__((always_inline)) void gt3(vec *o, const vec *s, const int to, const int from) {
  vec s1 = s[from], s2 = s[2 * from], s3 = s[3 * from], s4 = s[4 * from];
  vec near_sum = (s1 + s2) * (-1.0f / 6), near_difference = (s1 - s2) * (-1.0f / 6), far_sum = s3 + s4, far_difference = s3 - s4;
  o[0] = s[0] * 0.25f + near_sum + far_sum * (1.0f / 24);
  o[to] = near_difference + far_difference * (1.0f / 12);
  o[2 * to] = near_sum + far_sum * (1.0f / 6) + s[5 * from];
}

static inline __attribute__((always_inline)) vec load_some(const float *p, int part) {
  if (part) return LOAD_PART(p, part);
  vec v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline __attribute__((always_inline)) void keep(float *p, vec v) { memcpy(p, &v, sizeof v); }
static inline void keep_done(void) {}

/* Packed weights are more than a cache holds: written past it, no line is fetched only to be overwritten. */
static inline __attribute__((always_inline)) void pass_by(float *p, vec v) {
  if ((uintptr_t)p % sizeof v == 0) STREAM(p, v);
  else memcpy(p, &v, sizeof v);
}
static inline void pass_by_done(void) { FENCE; }

/* to[OUT][OUT] from from[IN][IN]; NULL among `to` is not written. */
#define TRANSFORM(name, IN, OUT, one, STORE)                                                                     \
  static inline __attribute__((always_inline)) void name##_at(float *const *to, const float *const *from, int64_t o, int64_t i, int part) { \
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
        if (part) STORE_PART(p + o, row[q], part);                                                        \
        else STORE(p + o, row[q]);                                                                        \
      }                                                                                                   \
    }                                                                                                     \
  }                                                                                                       \
  static void name(float *const *to, const float *const *from, const gt__runs *runs) {                    \
    const int64_t count = runs->count, to_row = runs->to_row, from_row = runs->from_row;                  \
    for (int64_t r = 0; r < runs->rows; r++) {                                                            \
      int64_t i = 0;                                                                                      \
      for (; i + LANES <= count; i += LANES) name##_at(to, from, r * to_row + i, r * from_row + i, 0);    \
      if (i < count) name##_at(to, from, r * to_row + i, r * from_row + i, (int)(count - i));             \
    }                                                                                                     \
    STORE##_done();                                                                                       \
  }

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
TRANSFORM(operand2, 5, 5, bt2, keep)
TRANSFORM(result2, 5, 4, at2, keep)
TRANSFORM(gradient2, 4, 5, a2, keep)
TRANSFORM(weight2, 2, 5, g2, pass_by)
TRANSFORM(weight_near2, 2, 5, g2, keep)
TRANSFORM(weight_gradient2, 5, 2, gt2, keep)
TRANSFORM(operand3, 6, 6, bt3, keep)
TRANSFORM(result3, 6, 4, at3, keep)
TRANSFORM(gradient3, 4, 6, a3, keep)
TRANSFORM(weight3, 3, 6, g3, pass_by)
TRANSFORM(weight_near3, 3, 6, g3, keep)
TRANSFORM(weight_gradient3, 6, 3, gt3, keep)
#undef TRANSFORM
#undef UNROLL

static const gt__winograd_kernels table = {{operand2, result2, gradient2, weight2, weight_near2, weight_gradient2},
                                           {operand3, result3, gradient3, weight3, weight_near3, weight_gradient3}};
