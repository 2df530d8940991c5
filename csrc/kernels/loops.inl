/* loops.inl: the loops that memory feeds, written once and compiled for each CPU level (loops_*.c): no intrinsics and no order of
 * sums of its own, so that all levels give the same bits. Fills `table`. */
#include "kernels.h"

#define real float
#define FN(name) name##_f
#include "channels.inl"
#undef real
#undef FN
#define real double
#define FN(name) name##_d
#include "channels.inl"
#undef real
#undef FN

#define BOTH(name) {name##_f, name##_d}
static const gt__loop_kernels table = {
  .channels = {{BOTH(plane_spread), BOTH(row_spread)}, {BOTH(plane_map), BOTH(row_map)},
               {BOTH(plane_products), BOTH(row_products)}, {BOTH(plane_gradient), BOTH(row_gradient)}},
};
