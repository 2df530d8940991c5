/* unroll.inl: the loops of ops/unroll.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name for it; GEMM, GEMM_PARALLEL: its matrix products.
 *
 * Unrolling goes through phase planes: one channel of an image, zero-padded, with the pixels that the stride keeps apart
 * sorted into sh * sw planes. In a plane every tap of the kernel is a window that moves by whole rows and columns, so what
 * is copied (or added, on the way back) is always a contiguous run, whatever stride, padding and dilation are.
 */

/* plane[sh][sw][rows + extra_rows][ow + extra_cols] from one channel x[h][w], for output rows row0 .. row0 + rows - 1. */
static void FN(fill_planes)(real *plane, const real *x, const geometry *g, int64_t row0, int64_t rows) {
  int64_t height = rows + g->extra_rows, width = g->ow + g->extra_cols;
  for (int64_t a = 0; a < g->sh; a++) {
    for (int64_t b = 0; b < g->sw; b++) {
      int64_t shift = b - g->pw;
      int64_t first = shift < 0 ? gt__min(width, gt__ceil_div(-shift, g->sw)) : 0;
      int64_t last = g->w - 1 - shift < 0 ? first : gt__max(first, gt__min(width, (g->w - 1 - shift) / g->sw + 1));
      for (int64_t r = 0; r < height; r++, plane += width) {
        int64_t i = (row0 + r) * g->sh + a - g->ph;
        if (i < 0 || i >= g->h) {
          memset(plane, 0, (size_t)width * sizeof(real));
          continue;
        }
        const real *row = x + i * g->w;
        for (int64_t j = 0; j < first; j++) plane[j] = 0;
        if (g->sw == 1) {
          for (int64_t j = first; j < last; j++) plane[j] = row[j + shift];
        } else if (g->sw == 2) {
          for (int64_t j = first; j < last; j++) plane[j] = row[2 * j + shift];
        } else {
          for (int64_t j = first; j < last; j++) plane[j] = row[j * g->sw + shift];
        }
        for (int64_t j = last; j < width; j++) plane[j] = 0;
      }
    }
  }
}

/* x[h][w] = the pixels of plane[sh][sw][oh + extra_rows][ow + extra_cols]: the way back, for all output rows. */
static void FN(read_planes)(real *x, const real *plane, const geometry *g) {
  int64_t height = g->oh + g->extra_rows, width = g->ow + g->extra_cols;
  if (!g->covered) memset(x, 0, (size_t)(g->h * g->w) * sizeof(real));
  for (int64_t a = 0; a < g->sh; a++) {
    for (int64_t b = 0; b < g->sw; b++) {
      int64_t shift = b - g->pw;
      int64_t first = shift < 0 ? gt__min(width, gt__ceil_div(-shift, g->sw)) : 0;
      int64_t last = g->w - 1 - shift < 0 ? first : gt__max(first, gt__min(width, (g->w - 1 - shift) / g->sw + 1));
      for (int64_t r = 0; r < height; r++, plane += width) {
        int64_t i = r * g->sh + a - g->ph;
        if (i < 0 || i >= g->h) continue;
        real *row = x + i * g->w;
        for (int64_t j = first; j < last; j++) row[j * g->sw + shift] = plane[j];
      }
    }
  }
}

#define COPY_RUNS(LENGTH, OP)                                                                    \
  for (int64_t r = 0; r < rows; r++) {                                                           \
    for (int64_t c = 0; c < (LENGTH); c++) to[r * to_step + c] OP from[r * from_step + c];       \
  }
/* The usual widths get loops of known length: a call to memcpy per row would cost more than the row. */
#define RUNS(OP)                                                                                 \
  switch (length) {                                                                              \
    case 4: COPY_RUNS(4, OP) break;                                                              \
    case 8: COPY_RUNS(8, OP) break;                                                              \
    case 16: COPY_RUNS(16, OP) break;                                                            \
    case 32: COPY_RUNS(32, OP) break;                                                            \
    default: COPY_RUNS(length, OP) break;                                                        \
  }

static void FN(copy_runs)(real *restrict to, int64_t to_step, const real *restrict from, int64_t from_step, int64_t rows, int64_t length) {
  RUNS(=)
}

static void FN(add_runs)(real *restrict to, int64_t to_step, const real *restrict from, int64_t from_step, int64_t rows, int64_t length) {
  RUNS(+=)
}
#undef RUNS
#undef COPY_RUNS

/* col[channels * taps][images * rows * ow] from channels of x (the first channel of the first image): the unrolled block. */
static void FN(unroll)(real *col, const real *x, const geometry *g, int64_t images, int64_t channels, int64_t row0, int64_t rows,
                       real *plane) {
  int64_t width = g->ow + g->extra_cols, step = images * rows * g->ow;
  for (int64_t n = 0; n < images; n++) {
    for (int64_t c = 0; c < channels; c++) {
      FN(fill_planes)(plane, x + (n * g->c + c) * g->h * g->w, g, row0, rows);
      real *to = col + c * g->taps * step + n * rows * g->ow;
      for (int64_t i = 0; i < g->kh; i++) {
        for (int64_t j = 0; j < g->kw; j++, to += step) {
          FN(copy_runs)(to, g->ow, plane + window(g, rows, i, j), width, rows, g->ow);
        }
      }
    }
  }
}

/* The adjoint: channels of x from col[channels * taps][images * oh * ow]. */
static void FN(roll_up)(real *x, const real *col, const geometry *g, int64_t images, int64_t channels, real *plane) {
  int64_t width = g->ow + g->extra_cols, step = images * g->area;
  size_t plane_bytes = (size_t)(g->sh * g->sw * (g->oh + g->extra_rows) * width) * sizeof(real);
  for (int64_t n = 0; n < images; n++) {
    for (int64_t c = 0; c < channels; c++) {
      memset(plane, 0, plane_bytes);
      const real *from = col + c * g->taps * step + n * g->area;
      for (int64_t i = 0; i < g->kh; i++) {
        for (int64_t j = 0; j < g->kw; j++, from += step) {
          FN(add_runs)(plane + window(g, g->oh, i, j), width, from, g->ow, g->oh, g->ow);
        }
      }
      FN(read_planes)(x + (n * g->c + c) * g->h * g->w, plane, g);
    }
  }
}

/* block[channels][images * area] from y[images][...][area], whose images lie `step` apart; and back. */
static void FN(gather)(real *block, const real *y, int64_t step, int64_t images, int64_t channels, int64_t area) {
  for (int64_t n = 0; n < images; n++) FN(copy_runs)(block + n * area, images * area, y + n * step, area, channels, area);
}

static void FN(scatter)(real *y, const real *block, int64_t step, int64_t images, int64_t channels, int64_t area) {
  for (int64_t n = 0; n < images; n++) FN(copy_runs)(y + n * step, area, block + n * area, images * area, channels, area);
}

/* One convolution in progress: operands, the cut, and a note when a task found no memory. */
typedef struct FN(job) {
  real *out;
  const real *a, *b;
  const geometry *g;
  blocks cut;
  int64_t tile;              /* channels of x in one task or one product */
  int64_t tiles, chunks;     /* of channels; of the list of blocks (weight form) */
  real *partial;             /* sums of the chunks, when there are several */
  real beta, scale;
  int failed;
} FN(job);

static bool FN(take)(FN(job) *job, gt__scratch *s, int64_t count, real **ptr) {
  bool ok = gt__scratch_alloc(s, (size_t)count * sizeof(real)) == GT_OK;
  if (!ok) __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
  *ptr = ok ? s->ptr : NULL;
  return ok;
}

static int FN(finish)(const FN(job) *job) {
  return job->failed ? gt__fail(GT_ENOMEM, "conv: no memory for a block of unrolled images") : GT_OK;
}

/* ---- y = conv(x, w) ---------------------------------------------------------------------------------------------- */

static void FN(conv_task)(void *context, int64_t i) {
  FN(job) *job = context;
  const geometry *g = job->g;
  int64_t group = i % g->groups, block = i / g->groups;
  int64_t n0 = block / job->cut.per_image * job->cut.images, images = gt__min(job->cut.images, g->n - n0);
  int64_t row0 = block % job->cut.per_image * job->cut.rows, rows = gt__min(job->cut.rows, g->oh - row0);
  int64_t cols = images * rows * g->ow, inner = g->cg * g->taps;
  real *y = job->out + (n0 * g->o + group * g->og) * g->area + row0 * g->ow;
  const real *x = job->a + (n0 * g->c + group * g->cg) * g->h * g->w, *w = job->b + group * g->og * inner;
  if (images == 1 && g->taps == 1 && g->oh == g->h && g->ow == g->w && g->ph == 0 && g->pw == 0) {
    GEMM(0, 0, g->og, cols, inner, 1, w, inner, x + row0 * g->w, g->h * g->w, 0, y, g->area);
    return;
  }
  gt__scratch s;
  int64_t col_size = job->tile * g->taps * cols, out_size = images > 1 ? g->og * cols : 0;
  real *col;
  if (!FN(take)(job, &s, col_size + out_size + plane_size(g, rows), &col)) return;
  real *out = images > 1 ? col + col_size : y, *plane = col + col_size + out_size;
  for (int64_t c = 0; c < g->cg; c += job->tile) {
    int64_t channels = gt__min(job->tile, g->cg - c);
    FN(unroll)(col, x + c * g->h * g->w, g, images, channels, row0, rows, plane);
    GEMM(0, 0, g->og, cols, channels * g->taps, 1, w + c * g->taps, inner, col, cols, c ? 1 : 0, out, images > 1 ? cols : g->area);
  }
  if (images > 1) FN(scatter)(y, out, g->o * g->area, images, g->og, g->area);
  gt__scratch_free(&s);
}

/* y[n][o][oh][ow], x[n][c][h][w], w[o][cg][kh][kw]. */
int FN(gt__unroll_forward)(real *y, const real *x, const real *w, const geometry *g) {
  if (is_matrix(g)) {
    int64_t inner = g->c * g->taps;
    GEMM_PARALLEL(0, 1, g->n, g->o, inner, 1, x, inner, w, inner, 0, y, g->o);
    return GT_OK;
  }
  FN(job) job = {.out = y, .a = x, .b = w, .g = g};
  job.tile = gt__max(1, gt__min(g->cg, BLOCK_ROWS / g->taps));
  int64_t cols = BLOCK_BYTES / (int64_t)sizeof(real) / (job.tile * g->taps);
  cols = gt__max(BLOCK_COLS_MIN, gt__min(cols, BLOCK_COLS_MAX));
  cols = gt__min(cols, gt__max(BLOCK_COLS_MIN / 4, g->n * g->area / TASKS));
  job.cut = cut_columns(g, g->n, cols);
  gt__parallel(job.cut.count * g->groups, FN(conv_task), &job);
  return FN(finish)(&job);
}

/* ---- x = conv_input(y, w) ---------------------------------------------------------------------------------------- */

static void FN(conv_input_task)(void *context, int64_t i) {
  FN(job) *job = context;
  const geometry *g = job->g;
  int64_t c0 = i % job->tiles * job->tile, channels = gt__min(job->tile, g->cg - c0);
  int64_t group = i / job->tiles % g->groups, block = i / job->tiles / g->groups;
  int64_t n0 = block * job->cut.images, images = gt__min(job->cut.images, g->n - n0);
  int64_t cols = images * g->area, inner = g->cg * g->taps, rows = channels * g->taps;
  const real *y = job->a + (n0 * g->o + group * g->og) * g->area;
  const real *w = job->b + group * g->og * inner + c0 * g->taps;
  real *x = job->out + (n0 * g->c + group * g->cg + c0) * g->h * g->w;
  gt__scratch s;
  int64_t y_size = images > 1 ? g->og * cols : 0;
  real *col;
  if (!FN(take)(job, &s, rows * cols + y_size + plane_size(g, g->oh), &col)) return;
  real *block_y = col + rows * cols, *plane = block_y + y_size;
  if (images > 1) {
    FN(gather)(block_y, y, g->o * g->area, images, g->og, g->area);
    y = block_y;
  }
  GEMM(1, 0, rows, cols, g->og, 1, w, inner, y, cols, 0, col, cols);
  FN(roll_up)(x, col, g, images, channels, plane);
  gt__scratch_free(&s);
}

/* x[n][c][h][w], y[n][o][oh][ow], w[o][cg][kh][kw]. */
int FN(gt__unroll_input)(real *x, const real *y, const real *w, const geometry *g) {
  if (is_matrix(g)) {
    int64_t inner = g->c * g->taps;
    GEMM_PARALLEL(0, 0, g->n, inner, g->o, 1, y, g->o, w, inner, 0, x, inner);
    return GT_OK;
  }
  FN(job) job = {.out = x, .a = y, .b = w, .g = g};
  int64_t cols = gt__max(BLOCK_COLS_MIN / 4, gt__min(BLOCK_COLS_MIN, g->n * g->area / TASKS));
  job.cut = cut_columns(g, g->n, gt__max(cols, g->area));
  cols = gt__min(job.cut.images, g->n) * g->area;
  job.tile = gt__max(1, gt__min(g->cg, BLOCK_BYTES / (int64_t)sizeof(real) / (g->taps * cols)));
  job.tiles = gt__ceil_div(g->cg, job.tile);
  gt__parallel(job.cut.count * g->groups * job.tiles, FN(conv_input_task), &job);
  return FN(finish)(&job);
}

/* ---- w = beta w + scale conv_weight(x, y) ------------------------------------------------------------------------- */

static void FN(conv_weight_task)(void *context, int64_t i) {
  FN(job) *job = context;
  const geometry *g = job->g;
  int64_t c0 = i % job->tiles * job->tile, channels = gt__min(job->tile, g->cg - c0);
  int64_t group = i / job->tiles % g->groups, chunk = i / job->tiles / g->groups;
  int64_t per_chunk = gt__ceil_div(job->cut.count, job->chunks);
  int64_t block = chunk * per_chunk, end = gt__min(job->cut.count, block + per_chunk);
  int64_t inner = g->cg * g->taps, rows = channels * g->taps;
  int64_t most = gt__min(job->cut.images, g->n) * job->cut.rows * g->ow;
  real *w = (job->partial ? job->partial + chunk * g->o * inner : job->out) + group * g->og * inner + c0 * g->taps;
  real beta = job->partial ? 0 : job->beta;
  gt__scratch s;
  int64_t y_size = job->cut.images > 1 ? g->og * most : 0;
  real *col;
  if (!FN(take)(job, &s, rows * most + y_size + plane_size(g, job->cut.rows), &col)) return;
  real *block_y = col + rows * most, *plane = block_y + y_size;
  for (; block < end; block++, beta = 1) {
    int64_t n0 = block / job->cut.per_image * job->cut.images, images = gt__min(job->cut.images, g->n - n0);
    int64_t row0 = block % job->cut.per_image * job->cut.rows, count = gt__min(job->cut.rows, g->oh - row0);
    int64_t cols = images * count * g->ow;
    const real *x = job->a + (n0 * g->c + group * g->cg + c0) * g->h * g->w;
    const real *y = job->b + (n0 * g->o + group * g->og) * g->area + row0 * g->ow;
    if (images > 1) FN(gather)(block_y, y, g->o * g->area, images, g->og, g->area);
    FN(unroll)(col, x, g, images, channels, row0, count, plane);
    GEMM(0, 1, g->og, rows, cols, job->scale, images > 1 ? block_y : y, images > 1 ? cols : g->area, col, cols, beta, w, inner);
  }
  gt__scratch_free(&s);
}

/* Adds the chunks' sums in their order. */
static void FN(conv_weight_sum)(void *context, int64_t i) {
  FN(job) *job = context;
  const geometry *g = job->g;
  int64_t count = g->o * g->cg * g->taps, from = i * GT__CHUNK, to = gt__min(count, from + GT__CHUNK);
  real *w = job->out;
  for (int64_t j = from; j < to; j++) w[j] = job->beta == 0 ? 0 : job->beta * w[j];
  for (int64_t chunk = 0; chunk < job->chunks; chunk++) {
    const real *part = job->partial + chunk * count;
    for (int64_t j = from; j < to; j++) w[j] += part[j];
  }
}

/* w[o][cg][kh][kw], x[n][c][h][w], y[n][o][oh][ow]. */
int FN(gt__unroll_weight)(real *w, const real *x, const real *y, const geometry *g, double beta, double scale) {
  int64_t inner = g->cg * g->taps;
  if (is_matrix(g)) {
    GEMM_PARALLEL(1, 0, g->o, inner, g->n, (real)scale, y, g->o, x, inner, (real)beta, w, inner);
    return GT_OK;
  }
  FN(job) job = {.out = w, .a = x, .b = y, .g = g, .beta = (real)beta, .scale = (real)scale};
  job.cut = cut_columns(g, g->n, WEIGHT_INNER);
  job.tile = gt__max(1, gt__min(g->cg, WEIGHT_COLS / g->taps));
  job.tiles = gt__ceil_div(g->cg, job.tile);
  job.chunks = gt__min(job.cut.count, gt__ceil_div(TASKS, job.tiles * g->groups));
  job.chunks = gt__ceil_div(job.cut.count, gt__ceil_div(job.cut.count, job.chunks));
  gt__scratch s = {0};
  if (job.chunks > 1) {
    GT_TRY(gt__scratch_alloc(&s, (size_t)(job.chunks * g->o * inner) * sizeof(real)));
    job.partial = s.ptr;
  }
  gt__parallel(job.chunks * job.tiles * g->groups, FN(conv_weight_task), &job);
  if (job.partial && !job.failed) gt__parallel(gt__ceil_div(g->o * inner, GT__CHUNK), FN(conv_weight_sum), &job);
  gt__scratch_free(&s);
  return FN(finish)(&job);
}
