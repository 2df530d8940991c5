/* upsample.inl: the loops of ops/upsample.c, included once for float and once for double. Images are planes x h x w pixels of m numbers: a
 * contiguous tensor has m 1, the inner layout one plane of pixels that hold every image's channels. A task takes some rows of the
 * smaller images. */

typedef struct FN(job) {
  real *out;
  const real *in;
  const geometry *g;
  int64_t rows; /* a task */
} FN(job);

static void FN(run)(const geometry *g, real *out, const real *in, gt__task task) {
  int64_t large = gt__max(1, g->w * g->m * g->scale * g->scale);
  FN(job) job = {.out = out, .in = in, .g = g, .rows = gt__max(1, GT__CHUNK / large)};
  gt__parallel(gt__ceil_div(g->planes * g->h, job.rows), task, &job);
}

/* One row of w pixels, each repeated s times. */
static void FN(widen)(real *restrict to, const real *restrict from, int64_t w, int64_t m, int64_t s) {
  if (m == 1 && s == 2) {
    for (int64_t j = 0; j < w; j++) to[2 * j] = to[2 * j + 1] = from[j];
  } else if (m == 1) {
    for (int64_t j = 0; j < w; j++)
      for (int64_t k = 0; k < s; k++) to[j * s + k] = from[j];
  } else {
    for (int64_t j = 0; j < w; j++)
      for (int64_t k = 0; k < s; k++) memcpy(to + (j * s + k) * m, from + j * m, (size_t)m * sizeof *to);
  }
}

/* out[planes][h s][w s] from in[planes][h][w]. */
static void FN(repeat_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  const int64_t s = g->scale, small = g->w * g->m, large = small * s, end = gt__min(g->planes * g->h, (i + 1) * job->rows);
  for (int64_t row = i * job->rows; row < end; row++) {
    real *to = job->out + row * s * large;
    FN(widen)(to, job->in + row * small, g->w, g->m, s);
    for (int64_t k = 1; k < s; k++) memcpy(to + k * large, to, (size_t)large * sizeof *to);
  }
}

/* One row's w pixels, each the sum of s neighbours of a larger row; added to what is there, or in its place. */
static void FN(narrow)(real *restrict to, const real *restrict from, int64_t w, int64_t m, int64_t s, bool add) {
  if (m == 1 && s == 2) {
    if (add) for (int64_t j = 0; j < w; j++) to[j] += from[2 * j] + from[2 * j + 1];
    else for (int64_t j = 0; j < w; j++) to[j] = from[2 * j] + from[2 * j + 1];
    return;
  }
  for (int64_t j = 0; j < w; j++)
    for (int64_t k = 0; k < s; k++) {
      const real *part = from + (j * s + k) * m;
      real *pixel = to + j * m;
      if (add || k) for (int64_t c = 0; c < m; c++) pixel[c] += part[c];
      else for (int64_t c = 0; c < m; c++) pixel[c] = part[c];
    }
}

/* out[planes][h][w], the sums of the s x s blocks of in[planes][h s][w s]. */
static void FN(sum_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  const geometry *g = job->g;
  const int64_t s = g->scale, small = g->w * g->m, large = small * s, end = gt__min(g->planes * g->h, (i + 1) * job->rows);
  for (int64_t row = i * job->rows; row < end; row++)
    for (int64_t k = 0; k < s; k++)
      FN(narrow)(job->out + row * small, job->in + (row * s + k) * large, g->w, g->m, s, k > 0);
}
