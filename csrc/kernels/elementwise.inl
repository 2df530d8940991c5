/* elementwise.inl: the inner loops of the element-wise operations; included once with real = float and once with double.
 *
 * One loop per operation and stride pattern; the contiguous ones are what the compiler vectorises. A result may be one of
 * its own operands, element for element, so iterations are independent. */

static inline real K(remainder)(real x, real y) {
  real m = fmod(x, y);
  return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}

#define REMAINDER(x, y) K(remainder)(x, y)
#define STEP(condition) ((condition) ? (real)1 : (real)0)
#define PARAMETERS                                                        \
  const real p = (real)((const parameters *)options)->p;                  \
  const real q = (real)((const parameters *)options)->q;                  \
  (void)p;                                                                \
  (void)q
#define EACH GT__IVDEP for (int64_t i = 0; i < n; i++)

/* r[i] = f(a[i]) */
#define UNARY(name, expression)                                                                            \
  static void K(unary_##name)(void *const *data, const int64_t *step, int64_t n, const void *options) {    \
    real *r = data[0];                                                                                     \
    const real *a = data[1];                                                                               \
    const int64_t rs = step[0], as = step[1];                                                              \
    PARAMETERS;                                                                                            \
    if (rs == 1 && as == 1) {                                                                              \
      EACH { const real x = a[i]; (void)x; r[i] = expression; }                                            \
    } else {                                                                                               \
      EACH { const real x = a[i * as]; (void)x; r[i * rs] = expression; }                                  \
    }                                                                                                      \
  }
GT_UNARY_OPS(UNARY)

/* r[i] = f(a[i], b[i]) */
#define BINARY(name, expression)                                                                           \
  static void K(binary_##name)(void *const *data, const int64_t *step, int64_t n, const void *options) {   \
    real *r = data[0];                                                                                     \
    const real *a = data[1], *b = data[2];                                                                 \
    const int64_t rs = step[0], as = step[1], bs = step[2];                                                \
    PARAMETERS;                                                                                            \
    if (rs == 1 && as == 1 && bs == 1) {                                                                   \
      EACH { const real x = a[i], y = b[i]; r[i] = expression; }                                           \
    } else if (rs == 1 && as == 1 && bs == 0) {                                                            \
      const real y = b[0];                                                                                 \
      EACH { const real x = a[i]; r[i] = expression; }                                                     \
    } else if (rs == 1 && as == 0 && bs == 1) {                                                            \
      const real x = a[0];                                                                                 \
      EACH { const real y = b[i]; r[i] = expression; }                                                     \
    } else {                                                                                               \
      EACH { const real x = a[i * as], y = b[i * bs]; r[i * rs] = expression; }                            \
    }                                                                                                      \
  }
GT_BINARY_OPS(BINARY)

/* r[i] = f(a[i], b[i], c[i]) */
#define TERNARY(name, expression)                                                                          \
  static void K(ternary_##name)(void *const *data, const int64_t *step, int64_t n, const void *options) {  \
    real *r = data[0];                                                                                     \
    const real *a = data[1], *b = data[2], *c = data[3];                                                   \
    const int64_t rs = step[0], as = step[1], bs = step[2], cs = step[3];                                  \
    PARAMETERS;                                                                                            \
    if (rs == 1 && as == 1 && bs == 1 && cs == 1) {                                                        \
      EACH { const real x = a[i], y = b[i], z = c[i]; r[i] = expression; }                                 \
    } else {                                                                                               \
      EACH { const real x = a[i * as], y = b[i * bs], z = c[i * cs]; r[i * rs] = expression; }             \
    }                                                                                                      \
  }
GT_TERNARY_OPS(TERNARY)

#undef REMAINDER
#undef STEP
#undef PARAMETERS
#undef EACH
#undef UNARY
#undef BINARY
#undef TERNARY
