/* layout.h: what the op files share of the inner layout (gantry.h). */
#ifndef GANTRY_LAYOUT_H
#define GANTRY_LAYOUT_H
#include "../core/core.h"

/* Whether t's elements lie as in the inner layout: gt_is_inner without regard to the strides of dimensions of size 1. */
bool gt__lies_inner(const gt_tensor *t);
/* r = a between the inner layout and a contiguous tensor, Float or Double, no element shared; false where they are not that. */
bool gt__reorder(gt_tensor *r, const gt_tensor *a);
#endif
