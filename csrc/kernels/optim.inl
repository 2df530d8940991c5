/* optim.inl: the loops of ops/optim.c, included once for float and once for double. */

typedef struct FN(job) {
  real *x, *m, *v;
  const real *g;
  int64_t count;
  const settings *s;
} FN(job);

static void FN(adam_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  int64_t from = i * GT__CHUNK, count = gt__min(GT__CHUNK, job->count - from);
  real *restrict x = job->x + from, *restrict m = job->m + from, *restrict v = job->v + from;
  const real *restrict g = job->g + from;
  const real beta1 = (real)job->s->beta1, rest1 = (real)(1 - job->s->beta1), beta2 = (real)job->s->beta2;
  const real rest2 = (real)(1 - job->s->beta2), eps = (real)job->s->eps, step = (real)-job->s->step;
  for (int64_t j = 0; j < count; j++) {
    m[j] = beta1 * m[j] + rest1 * g[j];
    v[j] = beta2 * v[j] + rest2 * g[j] * g[j];
    x[j] += step * m[j] / (SQRT(v[j]) + eps);
  }
}

/* x, m, v, g: count elements. */
static void FN(adam)(real *x, real *m, real *v, const real *g, int64_t count, const settings *s) {
  FN(job) job = {.x = x, .m = m, .v = v, .g = g, .count = count, .s = s};
  gt__parallel(gt__ceil_div(count, GT__CHUNK), FN(adam_task), &job);
}

static void FN(rmsprop_task)(void *context, int64_t i) {
  const FN(job) *job = context;
  int64_t from = i * GT__CHUNK, count = gt__min(GT__CHUNK, job->count - from);
  real *restrict x = job->x + from, *restrict m = job->m + from;
  const real *restrict g = job->g + from;
  const real alpha = (real)job->s->beta1, rest = (real)(1 - job->s->beta1), eps = (real)job->s->eps, step = (real)-job->s->step;
  for (int64_t j = 0; j < count; j++) {
    m[j] = alpha * m[j] + rest * g[j] * g[j];
    x[j] += step * g[j] / (SQRT(m[j]) + eps);
  }
}

/* x, m, g: count elements. */
static void FN(rmsprop)(real *x, real *m, const real *g, int64_t count, const settings *s) {
  FN(job) job = {.x = x, .m = m, .g = g, .count = count, .s = s};
  gt__parallel(gt__ceil_div(count, GT__CHUNK), FN(rmsprop_task), &job);
}
