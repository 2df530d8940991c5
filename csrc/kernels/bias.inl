/* bias.inl: the loops of ops/bias.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name. */

typedef struct FN(bias_job) {
  real *out;
  const real *a, *bias;
  int64_t n, c, positions, per_task;
  double beta, scale;
} FN(bias_job);

static void FN(add_bias_task)(void *context, int64_t i) {
  const FN(bias_job) *job = context;
  int64_t end = gt__min(job->n * job->c, (i + 1) * job->per_task);
  for (int64_t plane = i * job->per_task; plane < end; plane++) {
    real bias = job->bias[plane % job->c];
    const real *a = job->a + plane * job->positions;
    real *out = job->out + plane * job->positions;
    for (int64_t j = 0; j < job->positions; j++) out[j] = a[j] + bias;
  }
}

static void FN(add_bias)(real *out, const real *y, const real *bias, const int64_t size[3]) {
  FN(bias_job) job = {.out = out, .a = y, .bias = bias, .n = size[0], .c = size[1], .positions = size[2]};
  job.per_task = gt__max(1, GT__CHUNK / size[2]);
  gt__parallel(gt__ceil_div(size[0] * size[1], job.per_task), FN(add_bias_task), &job);
}

/* Sums run in double, eight at a time, in an order that depends on the sizes only. */
static double FN(sum_run)(const real *a, int64_t count) {
  double sum[8] = {0}, rest = 0;
  int64_t j = 0;
  for (; j + 8 <= count; j += 8) {
    for (int k = 0; k < 8; k++) sum[k] += (double)a[j + k];
  }
  for (; j < count; j++) rest += (double)a[j];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])) + rest;
}

static void FN(bias_grad_task)(void *context, int64_t i) {
  const FN(bias_job) *job = context;
  int64_t end = gt__min(job->c, (i + 1) * job->per_task);
  for (int64_t c = i * job->per_task; c < end; c++) {
    double sum = 0;
    for (int64_t n = 0; n < job->n; n++) sum += FN(sum_run)(job->a + (n * job->c + c) * job->positions, job->positions);
    job->out[c] = (real)((job->beta == 0 ? 0 : job->beta * (double)job->out[c]) + job->scale * sum);
  }
}

static void FN(bias_grad)(real *gb, const real *gy, const int64_t size[3], double beta, double scale) {
  FN(bias_job) job = {.out = gb, .a = gy, .n = size[0], .c = size[1], .positions = size[2], .beta = beta, .scale = scale};
  job.per_task = gt__max(1, GT__CHUNK / gt__max(1, size[0] * size[2]));
  gt__parallel(gt__ceil_div(size[1], job.per_task), FN(bias_grad_task), &job);
}
