/* few.inl: the loops of ops/few.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name; BLOCK, ROWS, COLS: the matrix kernels' entries for it.
 */

typedef struct FN(few_job) {
  real *x;
  const real *y, *weight;
  const geometry *g;
  int64_t width, images;     /* columns of a product: taps and channels, filled up; images of a task */
  int failed;
} FN(few_job);

typedef struct FN(few_weight) { const real *from; const geometry *g; int64_t width; } FN(few_weight);

/* to[panel of columns][o][column], column tap c + channel, from w[o][c][tap] */
static void FN(few_pack)(void *to, void *context) {
  const FN(few_weight) *job = context;
  const geometry *g = job->g;
  int64_t panel = gt__matrix()->COLS;
  real *all = to;
  memset(all, 0, (size_t)(job->width * g->o) * sizeof(real));
  for (int64_t o = 0; o < g->o; o++) {
    for (int64_t c = 0; c < g->c; c++) {
      for (int64_t t = 0; t < g->taps; t++) {
        int64_t j = t * g->c + c, j0 = j / panel * panel, row = gt__min(panel, job->width - j0);
        all[j0 * g->o + o * row + j - j0] = job->from[(o * g->c + c) * g->taps + t];
      }
    }
  }
  FN(gt__round)(all, job->width * g->o, g->precision);
}

/* x[image][c] += m[image][...]: `images` pixels of c channels, rows of m `step` apart. */
static inline __attribute__((always_inline)) void FN(add_pixels)(real *x, const real *m, int64_t images, const int64_t c, int64_t step) {
  for (int64_t i = 0; i < images; i++) {
    for (int64_t k = 0; k < c; k++) x[i * c + k] += m[i * step + k];
  }
}

/* Some images, one row of y after the other: its products with all taps, added to the pixels that they belong to. */
static void FN(few_task)(void *context, int64_t i) {
  FN(few_job) *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t n0 = i * job->images, images = gt__min(job->images, g->n - n0), width = job->width;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(g->ow * images * width) * sizeof(real))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  for (int64_t p = 0; p < g->h * g->w; p++) memset(job->x + (p * g->n + n0) * g->c, 0, (size_t)(images * g->c) * sizeof(real));
  for (int64_t oy = 0; oy < g->oh; oy++) {
    const real *a, *b;
    FN(product) p = {.c_row = width, .a = &a, .b = &b, .a_row = g->o, .a_step = 1, .count = 1, .k = g->o};
    for (int64_t j = 0; j < width; j += kernels->COLS) {
      p.b_row = gt__min(kernels->COLS, width - j);
      b = job->weight + j * g->o;
      for (int64_t ox = 0; ox < g->ow; ox++) {
        a = job->y + ((oy * g->ow + ox) * g->n + n0) * g->o;
        for (int64_t n = 0; n < images; n += kernels->ROWS) {
          p.a_offset = n * g->o;
          p.c = (real *)s.ptr + (ox * images + n) * width + j;
          kernels->BLOCK(&p, (int)gt__min(kernels->ROWS, images - n), (int)p.b_row);
        }
      }
    }
    for (int64_t t = 0; t < g->taps; t++) {
      int64_t iy = oy * g->sh - g->ph + t / g->kw * g->dh;
      if (iy < 0 || iy >= g->h) continue;
      for (int64_t ox = 0; ox < g->ow; ox++) {
        int64_t ix = ox * g->sw - g->pw + t % g->kw * g->dw;
        if (ix < 0 || ix >= g->w) continue;
        real *x = job->x + ((iy * g->w + ix) * g->n + n0) * g->c;
        const real *m = (const real *)s.ptr + ox * images * width + t * g->c;
        switch (g->c) {
        case 1: FN(add_pixels)(x, m, images, 1, width); break;
        case 3: FN(add_pixels)(x, m, images, 3, width); break;
        case 4: FN(add_pixels)(x, m, images, 4, width); break;
        default: FN(add_pixels)(x, m, images, g->c, width);
        }
      }
    }
  }
  gt__scratch_free(&s);
}

int FN(gt__few_input)(real *x, const real *y, const gt_tensor *w, const geometry *g) {
  int64_t unit = gt__matrix()->ROWS;
  FN(few_job) job = {.x = x, .y = y, .g = g, .width = gt__ceil_div(g->c * g->taps, UNIT) * UNIT};
  FN(few_weight) pack = {.from = gt__data(w), .g = g, .width = job.width};
  gt__packed *weight;
  GT_TRY(gt__packed_get(&weight, w, gt__form(GT__BY_FEW, GT__INPUT, g->precision), (size_t)(job.width * g->o) * sizeof(real), FN(few_pack), &pack));
  job.weight = gt__packed_data(weight);
  job.images = gt__max(1, gt__min(IMAGES, g->n / TASKS / unit)) * unit;
  gt__parallel(gt__ceil_div(g->n, job.images), FN(few_task), &job);
  gt__packed_put(weight);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a row of products") : GT_OK;
}
