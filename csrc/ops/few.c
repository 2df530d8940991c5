/* few.c: the input and weight forms where x has few channels, as pictures have: a generator's last layer, a discriminator's first. A matrix
 * of three columns (or rows) would leave most of a block empty, so all taps and channels of the kernel are taken side by side: y is
 * multiplied by them and the products are added to the pixels that they belong to; or patches of x are multiplied by y.
 *
 * Work is cut by the number of images, or of rows of y; a sum belongs to one task, or to several whose parts are added in order.
 */
#include "conv.h"
#include "../kernels/kernels.h"
#include <string.h>

enum { UNIT = 16, IMAGES = 2, TASKS = 16 }; /* columns of a product are a multiple of; blocks of rows in a task, at most; tasks, at least */

#define real float
#define product_f gt__product_f
#define FN(name) name##_f
#define BLOCK block_f
#define ROWS rows_f
#define COLS cols_f
#include "../kernels/few.inl"
#undef real
#undef FN
#undef BLOCK
#undef ROWS
#undef COLS
#define real double
#define product_d gt__product_d
#define FN(name) name##_d
#define BLOCK block_d
#define ROWS rows_d
#define COLS cols_d
#include "../kernels/few.inl"
