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

typedef real FN(quad) __attribute__((vector_size(4 * sizeof(real))));

/* row[k] += m[k] for k < length, at each of `count` places. */
static inline __attribute__((always_inline)) void FN(add_runs)(real *restrict row, int64_t row_step, const real *restrict m, int64_t m_step, int64_t count,
                                                              const int64_t length) {
  for (int64_t i = 0; i < count; i++) {
    int64_t k = 0;
    for (; k + 4 <= length; k += 4) {
      FN(quad) a, b;
      memcpy(&a, row + i * row_step + k, sizeof a), memcpy(&b, m + i * m_step + k, sizeof b);
      a += b;
      memcpy(row + i * row_step + k, &a, sizeof a);
    }
    for (; k < length; k++) row[i * row_step + k] += m[i * m_step + k];
  }
}

/* The products of a row of y with one row of taps, m[ox][image][column], added to the row of x that these belong to, [image][column of pixels
 * and channel], of which each image has `span` numbers. Runs of neighbouring pixels overlap: every `apart`-th is added, then the next ones, so
 * that nothing waits for what was written just before. */
static void FN(add_row)(real *row, int64_t span, const real *m, const FN(few_job) *job, int64_t images) {
  const geometry *g = job->g;
  int64_t apart = g->dw == 1 ? gt__ceil_div(g->kw, g->sw) : 1, pieces = g->dw == 1 ? 1 : g->kw, length = g->c * (g->dw == 1 ? g->kw : 1);
  int64_t row_step = apart * g->sw * g->c, m_step = apart * images * job->width;
  for (int64_t piece = 0; piece < pieces; piece++) {
    for (int64_t first = 0; first < gt__min(apart, g->ow); first++) {
      int64_t count = gt__ceil_div(g->ow - first, apart);
      for (int64_t n = 0; n < images; n++) {
        real *to = row + n * span + (first * g->sw + piece * g->dw) * g->c;
        const real *from = m + (first * images + n) * job->width + piece * g->c;
        if (length == 12) FN(add_runs)(to, row_step, from, m_step, count, 12);
        else if (length == 15) FN(add_runs)(to, row_step, from, m_step, count, 15);
        else FN(add_runs)(to, row_step, from, m_step, count, length);
      }
    }
  }
}

static inline __attribute__((always_inline)) void FN(put_pixels)(real *restrict x, const real *restrict row, int64_t images, int64_t span, const int64_t c) {
  for (int64_t n = 0; n < images; n++) {
    for (int64_t k = 0; k < c; k++) x[n * c + k] = row[n * span + k];
  }
}

/* A row of x from [image][column and channel], which is cleared for the next one. */
static void FN(put_row)(real *x, real *row, int64_t span, const geometry *g, int64_t images) {
  for (int64_t ix = 0; ix < g->w; ix++) {
    real *to = x + ix * g->n * g->c;
    int64_t at = (ix + g->pw) * g->c;
    if (at >= span) memset(to, 0, (size_t)(images * g->c) * sizeof(real));   /* right of all taps */
    else if (g->c == 3) FN(put_pixels)(to, row + at, images, span, 3);
    else FN(put_pixels)(to, row + at, images, span, g->c);
  }
  memset(row, 0, (size_t)(images * span) * sizeof(real));
}

/* Some images, one row of y after the other: its products with all taps, added to the rows of x that they belong to. Those that can still
 * get some are at hand, as many as a kernel reaches over: row i in place i modulo `places`. */
static void FN(few_task)(void *context, int64_t i) {
  FN(few_job) *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t n0 = i * job->images, images = gt__min(job->images, g->n - n0), width = job->width, places = gt__min((g->kh - 1) * g->dh + 1, g->h);
  int64_t span = ((g->ow - 1) * g->sw + (g->kw - 1) * g->dw + 1) * g->c, products = g->ow * images * width, done = 0;
  gt__scratch s;
  if (gt__scratch_alloc(&s, (size_t)(products + places * images * span) * sizeof(real))) {
    __atomic_store_n(&job->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  real *m = s.ptr, *at_hand = m + products;
  memset(at_hand, 0, (size_t)(places * images * span) * sizeof(real));
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
          p.c = m + (ox * images + n) * width + j;
          kernels->BLOCK(&p, (int)gt__min(kernels->ROWS, images - n), (int)p.b_row);
        }
      }
    }
    for (int64_t ky = 0; ky < g->kh; ky++) {
      int64_t iy = oy * g->sh - g->ph + ky * g->dh;
      if (iy >= 0 && iy < g->h) FN(add_row)(at_hand + iy % places * images * span, span, m + ky * g->kw * g->c, job, images);
    }
    for (int64_t end = oy + 1 < g->oh ? gt__min(g->h, (oy + 1) * g->sh - g->ph) : g->h; done < end; done++) {
      FN(put_row)(job->x + (done * g->w * g->n + n0) * g->c, at_hand + done % places * images * span, span, g, images);
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
