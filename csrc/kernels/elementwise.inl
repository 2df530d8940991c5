/* elementwise.inl: the loops of the element-wise operations (elementwise_ops.h), once with real = float and once with double. Memory is
 * contiguous; a result may be one of its own operands, element for element, so iterations are independent. */

static inline real FN(remainder)(real x, real y) {
  real m = fmod(x, y);
  return m != 0 && (m < 0) != (y < 0) ? m + y : m;
}

#define REMAINDER(x, y) FN(remainder)(x, y)
#define STEP(condition) ((condition) ? (real)1 : (real)0)
#define EACH(kind, name, operands, result)                                                                            \
  static void FN(kind##_##name)(void *to, const void *const *from, int64_t n, double first, double second) {           \
    real *r = to;                                                                                                      \
    const real *a = from[0], p = (real)first, q = (real)second;                                                        \
    operands;                                                                                                          \
    (void)p, (void)q;                                                                                                  \
    GT__IVDEP for (int64_t i = 0; i < n; i++) { result; }                                                              \
  }

#define UNARY(name, expression) EACH(unary, name, , const real x = a[i]; (void)x; r[i] = expression)
#define BINARY(name, expression) EACH(binary, name, const real *b = from[1], const real x = a[i]; const real y = b[i]; r[i] = expression)
#define TERNARY(name, expression) \
  EACH(ternary, name, const real *b = from[1]; const real *c = from[2], const real x = a[i]; const real y = b[i]; const real z = c[i]; \
       r[i] = expression)
GT_UNARY_OPS(UNARY)
GT_BINARY_OPS(BINARY)
GT_TERNARY_OPS(TERNARY)

#undef REMAINDER
#undef STEP
#undef EACH
#undef UNARY
#undef BINARY
#undef TERNARY
