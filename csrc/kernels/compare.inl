/* compare.inl: comparisons of two elements of one type, to bytes of 0 and 1; included once per type with TYPE, TYPE_NAME. */

#define COMPARE(name, operator)                                                                                         \
  static void NAMED(name, TYPE_NAME)(void *const *data, const int64_t *step, int64_t n, const void *options) {          \
    uint8_t *r = data[0];                                                                                               \
    const TYPE *a = data[1], *b = data[2];                                                                              \
    const int64_t rs = step[0], as = step[1], bs = step[2];                                                             \
    (void)options;                                                                                                      \
    if (rs == 1 && as == 1 && bs == 1) {                                                                                \
      GT__IVDEP for (int64_t i = 0; i < n; i++) r[i] = a[i] operator b[i];                                              \
    } else if (rs == 1 && as == 1 && bs == 0) {                                                                         \
      const TYPE y = b[0];                                                                                              \
      GT__IVDEP for (int64_t i = 0; i < n; i++) r[i] = a[i] operator y;                                                 \
    } else {                                                                                                            \
      GT__IVDEP for (int64_t i = 0; i < n; i++) r[i * rs] = a[i * as] operator b[i * bs];                               \
    }                                                                                                                   \
  }
GT_COMPARE_OPS(COMPARE)
#undef COMPARE
