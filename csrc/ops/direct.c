/* direct.c: convolutions without unrolling.
 *
 * With memory in the order [y][x][image][channel], each tap of a kernel joins a position of the result with one position of the
 * operand, and both are dense matrices of images by channels. So every pass is a sum of small matrix products over lists of
 * taps (forward, input) or of positions (weight), and taps outside the image are left out of the list. Nothing is unrolled,
 * whatever kernel, stride, padding and dilation are.
 *
 * Work is cut by the problem's size; a sum belongs to one task and runs in one order.
 */
#include "conv.h"
#include "../kernels/kernels.h"
#include <string.h>

enum {
  TAPS = 64,                 /* entries of a list, at most */
  INNER = 512,               /* inner length of one product over a list: its panel of b, 128 KB, stays in a core's L2 cache */
  TASK_ROWS = 2048,          /* rows of the result (positions x images) in one task */
  TASKS = 16,                /* tasks are made smaller rather than fewer than this */
  CHANNELS = 96              /* of x in one task of the weight form */
};

#define real float
#define product_f gt__product_f
#define FN(name) name##_f
#define BLOCK block_f
#define TRANSPOSE transpose_f
#define ROWS rows_f
#define COLS cols_f
#include "../kernels/direct.inl"
#undef real
#undef FN
#undef BLOCK
#undef TRANSPOSE
#undef ROWS
#undef COLS
#define real double
#define product_d gt__product_d
#define FN(name) name##_d
#define BLOCK block_d
#define TRANSPOSE transpose_d
#define ROWS rows_d
#define COLS cols_d
#include "../kernels/direct.inl"
