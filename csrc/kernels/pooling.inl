/* pooling.inl: the loops of ops/pooling.c, included once for float and once for double. A task takes whole planes (one
 * channel of one image): windows may overlap, planes do not. */

typedef struct FN(job) {
  real *out;
  const real *in;
  int64_t *index_out;
  const int64_t *index;
  const geometry *g;
  int64_t per_task;
} FN(job);

static void FN(run)(FN(job) *job, gt__task task) {
  job->per_task = gt__max(1, GT__CHUNK / gt__max(1, gt__max(job->g->h * job->g->w, job->g->oh * job->g->ow)));
  gt__parallel(gt__ceil_div(job->g->planes, job->per_task), task, job);
}

/* y[planes][oh][ow] and index (1-based in h * w) from x[planes][h][w]. The first of equal values wins; a NaN wins over all. */
static void FN(max_pool_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  int64_t end = gt__min(g->planes, (i + 1) * job->per_task);
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    const real *x = job->in + plane * g->h * g->w;
    real *y = job->out + plane * g->oh * g->ow;
    int64_t *index = job->index_out + plane * g->oh * g->ow;
    for (int64_t r = 0; r < g->oh; r++) {
      int64_t top = gt__max(0, r * g->sh - g->ph), bottom = gt__min(g->h, r * g->sh - g->ph + g->kh);
      for (int64_t c = 0; c < g->ow; c++) {
        int64_t left = gt__max(0, c * g->sw - g->pw), right = gt__min(g->w, c * g->sw - g->pw + g->kw);
        int64_t best = top * g->w + left;
        for (int64_t a = top; a < bottom; a++) {
          for (int64_t b = left; b < right; b++) {
            real v = x[a * g->w + b];
            if (v > x[best] || v != v) best = a * g->w + b;
          }
        }
        *y++ = x[best];
        *index++ = best + 1;
      }
    }
  }
}

static void FN(max_pool)(real *y, int64_t *index, const real *x, const geometry *g) {
  FN(job) job = {.out = y, .in = x, .index_out = index, .g = g};
  FN(run)(&job, FN(max_pool_task));
}

/* gx[planes][h][w]: each gy at the position it came from. */
static void FN(max_pool_grad_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  int64_t end = gt__min(g->planes, (i + 1) * job->per_task), area = g->oh * g->ow;
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    real *gx = job->out + plane * g->h * g->w;
    for (int64_t j = 0; j < g->h * g->w; j++) gx[j] = 0;
    for (int64_t j = plane * area; j < (plane + 1) * area; j++) gx[job->index[j] - 1] += job->in[j];
  }
}

static void FN(max_pool_grad)(real *gx, const real *gy, const int64_t *index, const geometry *g) {
  FN(job) job = {.out = gx, .in = gy, .index = index, .g = g};
  FN(run)(&job, FN(max_pool_grad_task));
}

static void FN(max_pool_pick_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  int64_t end = gt__min(g->planes, (i + 1) * job->per_task), area = g->oh * g->ow;
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    const real *x = job->in + plane * g->h * g->w;
    for (int64_t j = plane * area; j < (plane + 1) * area; j++) job->out[j] = x[job->index[j] - 1];
  }
}

static void FN(max_pool_pick)(real *y, const real *x, const int64_t *index, const geometry *g) {
  FN(job) job = {.out = y, .in = x, .index = index, .g = g};
  FN(run)(&job, FN(max_pool_pick_task));
}

/* A window of the average: the part inside the image, and the number of positions its sum is divided by. */
typedef struct FN(span) { int64_t top, bottom, left, right, count; } FN(span);

static FN(span) FN(average_window)(const geometry *g, int64_t r, int64_t c) {
  int64_t top = r * g->sh - g->ph, bottom = gt__min(top + g->kh, g->h + g->ph);
  int64_t left = c * g->sw - g->pw, right = gt__min(left + g->kw, g->w + g->pw);
  FN(span) s = {gt__max(0, top), gt__min(bottom, g->h), gt__max(0, left), gt__min(right, g->w), (bottom - top) * (right - left)};
  if (!g->include_pad) s.count = (s.bottom - s.top) * (s.right - s.left);
  return s;
}

static void FN(avg_pool_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  int64_t end = gt__min(g->planes, (i + 1) * job->per_task);
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    const real *x = job->in + plane * g->h * g->w;
    real *y = job->out + plane * g->oh * g->ow;
    for (int64_t r = 0; r < g->oh; r++) {
      for (int64_t c = 0; c < g->ow; c++) {
        FN(span) s = FN(average_window)(g, r, c);
        real sum = 0;
        for (int64_t a = s.top; a < s.bottom; a++) {
          for (int64_t b = s.left; b < s.right; b++) sum += x[a * g->w + b];
        }
        *y++ = sum / (real)s.count;
      }
    }
  }
}

static void FN(avg_pool)(real *y, const real *x, const geometry *g) {
  FN(job) job = {.out = y, .in = x, .g = g};
  FN(run)(&job, FN(avg_pool_task));
}

static void FN(avg_pool_grad_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  int64_t end = gt__min(g->planes, (i + 1) * job->per_task);
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    real *gx = job->out + plane * g->h * g->w;
    const real *gy = job->in + plane * g->oh * g->ow;
    for (int64_t j = 0; j < g->h * g->w; j++) gx[j] = 0;
    for (int64_t r = 0; r < g->oh; r++) {
      for (int64_t c = 0; c < g->ow; c++) {
        FN(span) s = FN(average_window)(g, r, c);
        real share = *gy++ / (real)s.count;
        for (int64_t a = s.top; a < s.bottom; a++) {
          for (int64_t b = s.left; b < s.right; b++) gx[a * g->w + b] += share;
        }
      }
    }
  }
}

static void FN(avg_pool_grad)(real *gx, const real *gy, const geometry *g) {
  FN(job) job = {.out = gx, .in = gy, .g = g};
  FN(run)(&job, FN(avg_pool_grad_task));
}
