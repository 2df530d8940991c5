/* unroll.c: convolutions as matrix products of unrolled images: every shape, in Float and Double, with groups and dilation.
 *
 * Images are contiguous N x C x H x W. A block of images or of output rows is unrolled into columns, multiplied by OpenBLAS while it is
 * still in cache, and put in place (kernels/unroll.inl). A block belongs to one task; its size comes from the problem's, so the bits
 * of a result do not depend on the number of threads. A kernel as large as the image (the first layer of a generator, the last of
 * a discriminator) needs no unrolling: it is one product.
 */
#include "conv.h"
#include <string.h>

enum {
  BLOCK_BYTES = 1 << 20,     /* unrolled columns one task keeps at a time: about a core's L2 cache */
  BLOCK_ROWS = 1024,         /* inner dimension of one product in the forward pass */
  BLOCK_COLS_MIN = 256, BLOCK_COLS_MAX = 1024,
  WEIGHT_COLS = 512,         /* kernel elements one task of the weight form owns */
  WEIGHT_INNER = 512,        /* inner dimension of one product in the weight form */
  TASKS = 16                 /* blocks are made smaller rather than have fewer tasks than this */
};

/* How columns (image, output row, output column) are cut into blocks: whole images, or rows of one image. */
typedef struct blocks {
  int64_t images, rows;      /* of one block */
  int64_t per_image;         /* blocks in one image, when rows < oh */
  int64_t count;
} blocks;

static blocks cut_columns(const geometry *g, int64_t images, int64_t cols) {
  blocks b;
  if (cols >= g->area) {
    b.images = gt__max(1, cols / g->area);
    b.rows = g->oh;
    b.per_image = 1;
    b.count = gt__ceil_div(images, b.images);
  } else {
    b.images = 1;
    b.rows = gt__min(g->oh, gt__max(1, cols / g->ow));
    b.per_image = gt__ceil_div(g->oh, b.rows);
    b.count = images * b.per_image;
  }
  return b;
}

/* A kernel as large as the image, and one output position: x and y are matrices. */
static bool is_matrix(const geometry *g) {
  return g->groups == 1 && g->area == 1 && g->kh == g->h && g->kw == g->w && g->ph == 0 && g->pw == 0;
}

/* One channel of an image, sorted into sh * sw phase planes (conv.inl) that cover `rows` output rows: their elements ... */
static int64_t plane_size(const geometry *g, int64_t rows) {
  return g->sh * g->sw * (rows + g->extra_rows) * (g->ow + g->extra_cols);
}

/* ... and where the window of tap (i, j) begins in them. */
static int64_t window(const geometry *g, int64_t rows, int64_t i, int64_t j) {
  int64_t height = rows + g->extra_rows, width = g->ow + g->extra_cols;
  int64_t down = i * g->dh, right = j * g->dw;
  int64_t phase = down % g->sh * g->sw + right % g->sw;
  return (phase * height + down / g->sh) * width + right / g->sw;
}

#define real float
#define FN(name) name##_f
#define GEMM gt__sgemm
#define GEMM_PARALLEL gt__sgemm_parallel
#include "../kernels/unroll.inl"
#undef real
#undef FN
#undef GEMM
#undef GEMM_PARALLEL
#define real double
#define FN(name) name##_d
#define GEMM gt__dgemm
#define GEMM_PARALLEL gt__dgemm_parallel
#include "../kernels/unroll.inl"
