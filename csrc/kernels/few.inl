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
        /* The next pixel of these images is far away in memory. */
        if (j == 0) for (int64_t l = 0; l < images * g->o; l += 64 / (int64_t)sizeof(real)) __builtin_prefetch(a + g->n * g->o + l);
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

/* ---- weight: patches of x, one row for each image, times y ------------------------------------------------------------- */

typedef struct FN(patch_job) {
  real *sums;                /* [chunk][panel of o][column tap c + channel][o of the panel] */
  const real *x, *y;
  real *w;
  const geometry *g;
  int64_t width, panel, panels, rows, chunks;    /* columns of patches; rows of y in a chunk */
  double beta, scale;
  int failed;
} FN(patch_job);

/* to[image][tap c + channel] for one position of y: what lies under the kernel, 0 outside. */
static void FN(patch)(real *to, const FN(patch_job) *job, int64_t oy, int64_t ox) {
  const geometry *g = job->g;
  int64_t c = g->c, width = job->width;
  for (int64_t t = 0; t < g->taps; t++) {
    int64_t iy = oy * g->sh - g->ph + t / g->kw * g->dh, ix = ox * g->sw - g->pw + t % g->kw * g->dw;
    bool inside = iy >= 0 && iy < g->h && ix >= 0 && ix < g->w;
    const real *from = job->x + (inside ? (iy * g->w + ix) * g->n * c : 0);
    real *at = to + t * c;
    if (!inside) {
      for (int64_t n = 0; n < g->n; n++) for (int64_t k = 0; k < c; k++) at[n * width + k] = 0;
    } else if (c == 3) {
      for (int64_t n = 0; n < g->n; n++) for (int64_t k = 0; k < 3; k++) at[n * width + k] = from[n * 3 + k];
    } else {
      for (int64_t n = 0; n < g->n; n++) for (int64_t k = 0; k < c; k++) at[n * width + k] = from[n * c + k];
    }
  }
}

/* Some rows of y: their part of all sums. */
static void FN(patch_task)(void *context, int64_t i) {
  FN(patch_job) *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  real *sums = job->sums + i * job->panels * job->width * job->panel;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(g->n * job->width) * sizeof(real))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  memset(sums, 0, (size_t)(job->panels * job->width * job->panel) * sizeof(real));
  const real *a = s.ptr, *b;
  FN(product) p = {.c_row = job->panel, .a = &a, .b = &b, .a_row = 1, .a_step = job->width, .b_row = g->o, .count = 1, .k = g->n, .add = true};
  for (int64_t at = i * job->rows * g->ow; at < gt__min(g->oh, (i + 1) * job->rows) * g->ow; at++) {
    FN(patch)(s.ptr, job, at / g->ow, at % g->ow);
    b = job->y + at * g->n * g->o;
    for (int64_t j = 0; j < g->o; j += job->panel) {
      p.b_offset = j;
      for (int64_t row = 0; row < job->width; row += kernels->ROWS) {
        p.a_offset = row;
        p.c = sums + (j / job->panel * job->width + row) * job->panel;
        kernels->BLOCK(&p, (int)gt__min(kernels->ROWS, job->width - row), (int)gt__min(job->panel, g->o - j));
      }
    }
  }
  gt__scratch_free(&s);
}

/* w[o][c][tap] = beta w + scale times the chunks' sums, added in their order. */
static void FN(patch_sum)(void *context, int64_t o) {
  const FN(patch_job) *job = context;
  const geometry *g = job->g;
  real beta = (real)job->beta, scale = (real)job->scale;
  for (int64_t k = 0; k < g->c * g->taps; k++) {
    real sum = 0, *w = job->w + o * g->c * g->taps + k % g->c * g->taps + k / g->c;
    for (int64_t chunk = 0; chunk < job->chunks; chunk++) {
      sum += job->sums[((chunk * job->panels + o / job->panel) * job->width + k) * job->panel + o % job->panel];
    }
    *w = beta == 0 ? scale * sum : beta * *w + scale * sum;
  }
}

int FN(gt__few_weight)(real *w, const real *x, const real *y, const geometry *g, double beta, double scale) {
  FN(patch_job) job = {.x = x, .y = y, .w = w, .g = g, .width = g->c * g->taps, .beta = beta, .scale = scale};
  job.panel = gt__min(gt__matrix()->COLS, g->o);
  job.panels = gt__ceil_div(g->o, job.panel);
  job.rows = gt__ceil_div(g->oh, TASKS);
  job.chunks = gt__ceil_div(g->oh, job.rows);
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(job.chunks * job.panels * job.width * job.panel) * sizeof(real)));
  job.sums = s.ptr;
  gt__parallel(job.chunks, FN(patch_task), &job);
  if (!job.failed) gt__parallel(g->o, FN(patch_sum), &job);
  gt__scratch_free(&s);
  return job.failed ? gt__fail(GT_ENOMEM, "conv: no memory for a row of patches") : GT_OK;
}
