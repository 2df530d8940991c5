/* fold.h: reduction of the middle dimension of an outer x length x inner block; what reductions are built on. */
#ifndef GANTRY_FOLD_H
#define GANTRY_FOLD_H
#include "ops.h"
#include "../kernels/kernels.h"

typedef struct {
  const void *data;
  int dtype;                               /* GT_FLOAT or GT_DOUBLE */
  int64_t outer, length, inner;
  int64_t outer_step, step, inner_step;    /* in elements */
} gt__block;

/* out[o * inner + c] = the fold of all elements with those outer and inner positions, by the step GT__FOLD_...; the first
 * value where length is 0. shift: the step's s, one per result, or NULL: `constant` for all. */
int gt__fold(double *out, int step, const gt__block *b, const double *shift, double constant);
/* index[...] = 1-based position of the first element equal to value[...]; NaN finds NaN. length is at least 1. */
void gt__fold_find(int64_t *index, const gt__block *b, const double *value);
/* r, laid out by its own steps (outer, along, inner), = running sums or products along the middle dimension. */
void gt__fold_running(void *r, const int64_t *r_step, const gt__block *b, bool product);
/* Sum of products of two contiguous rows. */
int gt__fold_dot(double *out, int dtype, const void *a, const void *b, int64_t n);
#endif
