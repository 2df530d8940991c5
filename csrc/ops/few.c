/* few.c: the input form where x has few channels, as pictures have: a generator's last layer, the gradient with respect to a
 * discriminator's images. A matrix of three columns would leave most of a vector empty, so y is multiplied by all taps and channels of
 * the kernel at once, and the products are added to the pixels that they belong to.
 *
 * Work is cut by the number of images; a pixel belongs to one task and is added up in one order.
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
