/* direct.inl: the loops of ops/direct.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name; BLOCK, TRANSPOSE, ROWS, COLS: the matrix kernels' entries for it.
 */

/* ---- weights: [panel of columns][tap][inner channel][column of the panel] ------------------------------------------- */

typedef struct FN(weight_job) {
  real *to;
  const real *from;
  const geometry *g;
  bool input;                /* columns are channels of x, the inner channels those of y; else the other way round */
  int64_t inner, cols, panel;
  double beta, scale;
} FN(weight_job);

static void FN(pack_task)(void *context, int64_t i) {
  const FN(weight_job) *job = context;
  const geometry *g = job->g;
  int64_t panels = gt__ceil_div(job->cols, job->panel), l = i / panels, j0 = i % panels * job->panel;
  int64_t width = gt__min(job->panel, job->cols - j0);
  int64_t j_step = job->input ? g->taps : g->c * g->taps, l_step = job->input ? g->c * g->taps : g->taps;
  real *to = job->to + j0 * g->taps * job->inner + l * job->panel;
  gt__matrix()->TRANSPOSE(to, job->inner * job->panel, job->from + j0 * j_step + l * l_step, j_step, width, g->taps);
  for (int64_t t = 0; t < g->taps; t++) FN(gt__round)(to + t * job->inner * job->panel, width, g->precision);
}

static void FN(pack)(void *to, void *context) {
  FN(weight_job) *job = context;
  job->to = to;
  gt__parallel(gt__ceil_div(job->cols, job->panel) * job->inner, FN(pack_task), job);
}

/* w[o][c][tap] = beta w + scale from[panel of o][tap][c][column of the panel] */
static void FN(unpack_task)(void *context, int64_t i) {
  const FN(weight_job) *job = context;
  const geometry *g = job->g;
  int64_t panel = job->panel, j0 = i * panel, cols = gt__min(panel, g->o - j0);
  const real *from = job->from + j0 * g->taps * g->c;
  real beta = (real)job->beta, scale = (real)job->scale;
  for (int64_t c = 0; c < g->c; c++) {
    for (int64_t j = 0; j < cols; j++) {
      real *to = job->to + ((j0 + j) * g->c + c) * g->taps;
      for (int64_t t = 0; t < g->taps; t++) {
        real value = scale * from[(t * g->c + c) * panel + j];
        to[t] = beta == 0 ? value : beta * to[t] + value;
      }
    }
  }
}

/* ---- forward and input: results [y][x][image][cols] from [y][x][image][inner] --------------------------------------- */

typedef struct FN(taps_job) {
  real *out;
  const real *in, *weight;
  const geometry *g;
  bool input;
  int64_t inner, cols, panel, out_h, out_w, in_w;
  int64_t phases_h, phases_w;           /* positions of one phase have the same taps, but for the borders */
  int64_t rows, chunks;                 /* of positions, in one task; of rows in one phase */
} FN(taps_job);

/* The list of one position's taps from t0 on, at most `most` of them, l0 into the inner channels. */
static int64_t FN(list)(const FN(taps_job) *job, const tap *taps, int64_t count, int64_t y, int64_t x, int64_t l0, const real *weight,
                        const real **a, const real **b) {
  const geometry *g = job->g;
  int64_t found = 0;
  for (int64_t t = 0; t < count; t++) {
    int64_t iy, ix;
    if (job->input) {
      iy = gt__source_of_x(y, taps[t].i, g->sh, g->ph, g->dh, g->oh);
      ix = gt__source_of_x(x, taps[t].j, g->sw, g->pw, g->dw, g->ow);
    } else {
      iy = gt__source_of_y(y, taps[t].i, g->sh, g->ph, g->dh, g->h);
      ix = gt__source_of_y(x, taps[t].j, g->sw, g->pw, g->dw, g->w);
    }
    if (iy < 0 || ix < 0) continue;
    a[found] = job->in + (iy * job->in_w + ix) * g->n * job->inner + l0;
    b[found++] = weight + ((taps[t].i * g->kw + taps[t].j) * job->inner + l0) * job->panel;
  }
  return found;
}

/* Some panels of columns for some rows of positions of one phase. Taps and inner channels come in pieces whose weights stay in
 * cache while all positions use them. */
static void FN(taps_task)(void *context, int64_t i) {
  const FN(taps_job) *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t row0 = i % job->chunks * job->rows, phase = i / job->chunks % (job->phases_h * job->phases_w);
  int64_t group = i / job->chunks / (job->phases_h * job->phases_w);
  int64_t fy = phase / job->phases_w, fx = phase % job->phases_w;
  int64_t height = (job->out_h - fy + job->phases_h - 1) / job->phases_h;
  int64_t j0 = group * GT__BLOCK_COLS, cols = gt__min(GT__BLOCK_COLS, job->cols - j0);
  const real *weight = job->weight + j0 * g->taps * job->inner;
  const real *a[TAPS], *b[TAPS];
  FN(product) p = {.c_row = job->cols, .a = a, .b = b, .a_row = job->inner, .a_step = 1, .b_row = job->panel};
  tap taps[TAPS];
  int64_t most = gt__min(TAPS, gt__max(1, INNER / job->inner)), next = 0;
  bool add = false;
  do {
    int64_t count = 0;
    for (; next < g->taps && count < most; next++) {
      tap t = {next / g->kw, next % g->kw};
      if (job->input && ((fy + g->ph - t.i * g->dh) % g->sh || (fx + g->pw - t.j * g->dw) % g->sw)) continue;
      taps[count++] = t;
    }
    for (int64_t l0 = 0; l0 < job->inner; l0 += INNER) {
      p.k = gt__min(INNER, job->inner - l0);
      p.add = add;
      add = true;
      for (int64_t r = row0; r < gt__min(height, row0 + job->rows); r++) {
        for (int64_t y = fy + r * job->phases_h, x = fx; x < job->out_w; x += job->phases_w) {
          p.count = FN(list)(job, taps, count, y, x, l0, weight, a, b);
          if (p.add && !p.count) continue;
          real *c = job->out + (y * job->out_w + x) * g->n * job->cols + j0;
          for (int64_t n = 0; n < g->n; n += kernels->ROWS) {
            p.a_offset = n * job->inner;
            for (int64_t j = 0; j < cols; j += kernels->COLS) {
              p.c = c + n * job->cols + j;
              p.b_offset = j * g->taps * job->inner;
              kernels->BLOCK(&p, (int)gt__min(kernels->ROWS, g->n - n), (int)gt__min(kernels->COLS, cols - j));
            }
          }
        }
      }
    }
  } while (next < g->taps);
}

static int FN(through_taps)(real *out, const real *in, const gt_tensor *w, const geometry *g, gt__pass pass) {
  FN(taps_job) job = {.out = out, .in = in, .g = g, .input = pass == GT__INPUT, .inner = g->c, .cols = g->o, .out_h = g->oh, .out_w = g->ow,
                      .in_w = g->w, .phases_h = 1, .phases_w = 1};
  if (job.input) {
    job.inner = g->o, job.cols = g->c, job.out_h = g->h, job.out_w = g->w, job.in_w = g->ow;
    job.phases_h = gt__min(g->sh, g->h), job.phases_w = gt__min(g->sw, g->w);
  }
  job.panel = gt__min(gt__matrix()->COLS, job.cols);
  int64_t panels = gt__ceil_div(job.cols, job.panel), groups = gt__ceil_div(job.cols, GT__BLOCK_COLS);
  FN(weight_job) pack = {.from = gt__data(w), .g = g, .input = job.input, .inner = job.inner, .cols = job.cols, .panel = job.panel};
  gt__packed *weight;
  GT_TRY(gt__packed_get(&weight, w, gt__form(GT__BY_TAPS, pass, g->precision), (size_t)(panels * job.panel * g->taps * job.inner) * sizeof(real), FN(pack),
                        &pack));
  job.weight = gt__packed_data(weight);
  int64_t phases = job.phases_h * job.phases_w, height = gt__ceil_div(job.out_h, job.phases_h);
  int64_t row = gt__max(1, gt__ceil_div(job.out_w, job.phases_w) * g->n);
  job.rows = gt__max(1, gt__min(TASK_ROWS / row, height * groups * phases / TASKS));
  job.chunks = gt__ceil_div(height, job.rows);
  gt__parallel(groups * phases * job.chunks, FN(taps_task), &job);
  gt__packed_put(weight);
  return GT_OK;
}

int FN(gt__direct_forward)(real *y, const real *x, const gt_tensor *w, const geometry *g) { return FN(through_taps)(y, x, w, g, GT__FORWARD); }
int FN(gt__direct_input)(real *x, const real *y, const gt_tensor *w, const geometry *g) { return FN(through_taps)(x, y, w, g, GT__INPUT); }

/* ---- weight: sums[panel of o][tap][c][column] over positions and images ---------------------------------------------- */

typedef struct FN(sums_job) {
  real *sums;
  const real *x, *y;         /* x[y][x][image][c], y[y][x][image][o] */
  const geometry *g;
  int64_t panel, channels, blocks;  /* of x, in one task; tasks along c */
} FN(sums_job);

/* One row of the kernel, some panels of o, some channels of x: the panels' positions are used by all taps of the row. */
static void FN(sums_task)(void *context, int64_t task) {
  const FN(sums_job) *job = context;
  const geometry *g = job->g;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t c0 = task % job->blocks * job->channels, c1 = gt__min(g->c, c0 + job->channels);
  int64_t i = task / job->blocks % g->kh, group = task / job->blocks / g->kh;
  int64_t j0 = group * GT__BLOCK_COLS, cols = gt__min(GT__BLOCK_COLS, g->o - j0);
  real *sums = job->sums + (j0 * g->taps + i * g->kw * job->panel) * g->c;
  for (int64_t q = 0; q < cols; q += kernels->COLS) {
    for (int64_t j = 0; j < g->kw; j++) {
      memset(sums + q * g->taps * g->c + (j * g->c + c0) * job->panel, 0, (size_t)((c1 - c0) * job->panel) * sizeof(real));
    }
  }
  const real *a[TAPS], *b[TAPS];
  FN(product) p = {.c_row = job->panel, .a = a, .b = b, .a_row = 1, .a_step = g->c, .b_row = g->o, .add = true};
  int64_t most = gt__min(TAPS, gt__max(1, INNER / g->n));
  for (int64_t y = 0; y < g->oh; y++) {
    int64_t iy = gt__source_of_y(y, i, g->sh, g->ph, g->dh, g->h);
    if (iy < 0) continue;
    for (int64_t x0 = 0; x0 < g->ow; x0 += most) {
      for (int64_t n0 = 0; n0 < g->n; n0 += INNER) {
        p.k = gt__min(INNER, g->n - n0);
        for (int64_t j = 0; j < g->kw; j++) {
          p.count = 0;
          for (int64_t x = x0; x < gt__min(g->ow, x0 + most); x++) {
            int64_t ix = gt__source_of_y(x, j, g->sw, g->pw, g->dw, g->w);
            if (ix < 0) continue;
            a[p.count] = job->x + ((iy * g->w + ix) * g->n + n0) * g->c;
            b[p.count++] = job->y + ((y * g->ow + x) * g->n + n0) * g->o + j0;
          }
          if (!p.count) continue;
          for (int64_t c = c0; c < c1; c += kernels->ROWS) {
            p.a_offset = c;
            for (int64_t q = 0; q < cols; q += kernels->COLS) {
              p.c = sums + q * g->taps * g->c + (j * g->c + c) * job->panel;
              p.b_offset = q;
              kernels->BLOCK(&p, (int)gt__min(kernels->ROWS, c1 - c), (int)gt__min(kernels->COLS, cols - q));
            }
          }
        }
      }
    }
  }
}

int FN(gt__direct_weight)(real *w, const real *x, const real *y, const geometry *g, double beta, double scale) {
  int64_t rows = gt__matrix()->ROWS, panel = gt__min(gt__matrix()->COLS, g->o), panels = gt__ceil_div(g->o, panel);
  gt__scratch s;
  GT_TRY(gt__scratch_alloc(&s, (size_t)(panels * panel * g->taps * g->c) * sizeof(real)));
  FN(sums_job) job = {.sums = s.ptr, .x = x, .y = y, .g = g, .panel = panel};
  int64_t groups = gt__ceil_div(g->o, GT__BLOCK_COLS), wanted = gt__max(1, TASKS / (groups * g->kh));
  job.channels = gt__max(rows, gt__ceil_div(gt__ceil_div(g->c, wanted), rows) * rows);
  job.channels = gt__min(job.channels, CHANNELS / rows * rows);
  job.blocks = gt__ceil_div(g->c, job.channels);
  gt__parallel(groups * g->kh * job.blocks, FN(sums_task), &job);
  FN(weight_job) unpack = {.to = w, .from = job.sums, .g = g, .panel = panel, .beta = beta, .scale = scale};
  gt__parallel(panels, FN(unpack_task), &unpack);
  gt__scratch_free(&s);
  return GT_OK;
}
