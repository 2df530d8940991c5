/* reduce_ops.h: the steps that reductions are made of: X(name, first value, what step gives, how partial results combine).
 *
 * t is the value so far, x the next element, s a shift or exponent that belongs to the result; all are doubles. */
#ifndef GANTRY_REDUCE_OPS_H
#define GANTRY_REDUCE_OPS_H

#define GT_REDUCE_STEPS(X)                                           \
  X(sum, 0, t + x, ADD)                                              \
  X(product, 1, t *x, MULTIPLY)                                      \
  X(squares, 0, t + x * x, ADD)                                      \
  X(deviations, 0, t + (x - s) * (x - s), ADD)                       \
  X(magnitudes, 0, t + fabs(x), ADD)                                 \
  X(powers, 0, t + pow(fabs(x), s), ADD)                             \
  X(exponentials, 0, t + exp(x - s), ADD)                            \
  X(nonzeros, 0, t + (x != 0 ? 1.0 : 0.0), ADD)                      \
  X(nonfinite, 0, t + (x - x == 0 ? 0.0 : 1.0), ADD)                 \
  X(largest, -INFINITY, x > t || x != x ? x : t, LARGEST)            \
  X(smallest, INFINITY, x < t || x != x ? x : t, SMALLEST)           \
  X(largest_magnitude, 0, fabs(x) > t || x != x ? fabs(x) : t, LARGEST) \
  X(smallest_magnitude, INFINITY, fabs(x) < t || x != x ? fabs(x) : t, SMALLEST)

#define GT__FOLD_CODE(name, first, expression, combine) GT__FOLD_##name,
enum { GT_REDUCE_STEPS(GT__FOLD_CODE) GT__FOLD_STEPS };
#undef GT__FOLD_CODE

#endif
