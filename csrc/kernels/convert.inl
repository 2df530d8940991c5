/* convert.inl: conversion from one type to another, strided; included once per source type with FROM, FROM_NAME and
 * INTEGER_OF(x), the 64-bit integer that an element becomes on its way to an integer type. */

#define CONVERT(TO, TO_NAME, expression)                                                                             \
  static void NAMED(FROM_NAME, TO_NAME)(void *const *data, const int64_t *step, int64_t n, const void *options) {    \
    TO *r = data[0];                                                                                                 \
    const FROM *a = data[1];                                                                                         \
    const int64_t rs = step[0], as = step[1];                                                                        \
    (void)options;                                                                                                   \
    if (rs == 1 && as == 1) {                                                                                        \
      GT__IVDEP for (int64_t i = 0; i < n; i++) { const FROM x = a[i]; r[i] = (TO)(expression); }                    \
    } else {                                                                                                         \
      GT__IVDEP for (int64_t i = 0; i < n; i++) { const FROM x = a[i * as]; r[i * rs] = (TO)(expression); }          \
    }                                                                                                                \
  }
CONVERT(uint8_t, byte, INTEGER_OF(x))
CONVERT(int8_t, char, INTEGER_OF(x))
CONVERT(int16_t, short, INTEGER_OF(x))
CONVERT(int32_t, int, INTEGER_OF(x))
CONVERT(int64_t, long, INTEGER_OF(x))
CONVERT(float, float, x)
CONVERT(double, double, x)
#undef CONVERT
