/* layout.h: what the op files share of the inner layout (gantry.h). */
#ifndef GANTRY_LAYOUT_H
#define GANTRY_LAYOUT_H
#include "../core/core.h"

/* Whether t's elements lie as in the inner layout: gt_is_inner without regard to the strides of dimensions of size 1. */
bool gt__lies_inner(const gt_tensor *t);
/* Whether what follows t, Float or Double images or anything else, is computed in the inner layout; else contiguous. */
bool gt__goes_inner(const gt_tensor *t);
/* *use is t, or `copy` filled with it in the layout that is wanted; reset copy after use in both cases. */
int gt__operand_in(bool inner, const gt_tensor **use, gt_tensor *copy, const gt_tensor *t);
/* As gt__result (core.h), for a result of x's shape that has to be in one of the two layouts; one that already has the shape keeps
 * its own. */
int gt__result_in(bool inner, gt_tensor **out, gt_tensor *tmp, gt_tensor *r, const gt_tensor *x, bool overlap);
/* r = a between the inner layout and a contiguous tensor, Float or Double, no element shared; false where they are not that. */
bool gt__reorder(gt_tensor *r, const gt_tensor *a);
#endif
