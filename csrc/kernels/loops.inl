/* loops.inl: the loops that memory feeds, written once and compiled for each CPU level (loops_*.c): no intrinsics and no order of
 * sums of its own, so that all levels give the same bits. Fills `table`. */
#include "kernels.h"
#include "maths.h"
#include <tgmath.h>

enum { LANES = GT__LANES };

#define real float
#define FN(name) name##_f
#define EXP(x) gt__exp_float(x)
#define EXPM1(x) gt__expm1_float(x)
#define LOG(x) gt__log_float(x)
#define LOG1P(x) gt__log1p_float(x)
#define TANH(x) gt__tanh_float(x)
#define SQRT sqrtf
#include "elementwise.inl"
#include "reduce.inl"
#include "channels.inl"
#include "optim.inl"
#include "mixed.inl"
#undef real
#undef FN
#undef EXP
#undef EXPM1
#undef LOG
#undef LOG1P
#undef TANH
#undef SQRT
#define real double
#define FN(name) name##_d
#define EXP(x) exp(x)
#define EXPM1(x) expm1(x)
#define LOG(x) log(x)
#define LOG1P(x) log1p(x)
#define TANH(x) tanh(x)
#define SQRT sqrt
#include "elementwise.inl"
#include "reduce.inl"
#include "channels.inl"
#include "optim.inl"

#define BOTH(name) {name##_f, name##_d}
#define UNARY(name, expression) BOTH(unary_##name),
#define BINARY(name, expression) BOTH(binary_##name),
#define TERNARY(name, expression) BOTH(ternary_##name),
#define FOLD(name, first, expression, combine) BOTH(fold_##name),
#define COLUMNS(name, first, expression, combine) BOTH(columns_##name),
static const gt__loop_kernels table = {
  .unary = {GT_UNARY_OPS(UNARY)},
  .binary = {GT_BINARY_OPS(BINARY)},
  .ternary = {GT_TERNARY_OPS(TERNARY)},
  .rows = {GT_REDUCE_STEPS(FOLD)},
  .columns = {GT_REDUCE_STEPS(COLUMNS)},
  .dot = BOTH(fold_dot),
  .channels = {{BOTH(plane_spread), BOTH(row_spread)}, {BOTH(plane_map), BOTH(row_map)},
               {BOTH(plane_products), BOTH(row_products)}, {BOTH(plane_gradient), BOTH(row_gradient)}},
  .adam = BOTH(adam),
  .rmsprop = BOTH(rmsprop),
  .mixed_dot = mixed_dot,
  .mixed_add = mixed_add,
};
