/* batchnorm.inl: the loops of ops/batchnorm.c, included once for float and once for double.
 *
 * A channel's numbers are n runs of `positions` in a row. Where a run is one number (N x C), LANES channels are taken side by
 * side instead. Either way the order of a sum depends on the sizes only.
 */

typedef real FN(eight) __attribute__((vector_size(LANES * sizeof(real))));

static inline void FN(load)(lanes *to, const real *from) {
  FN(eight) v;
  memcpy(&v, from, sizeof v);
  *to = __builtin_convertvector(v, lanes);
}

/* Adds n runs' sums to sums[0..1]: of d = x - shift and of its square. */
static void FN(sum_runs)(double sums[2], const real *x, int64_t n, int64_t step, int64_t positions, double shift) {
  lanes sum = {0}, squares = {0}, d;
  double rest = 0, rest_squares = 0;
  for (; n > 0; n--, x += step) {
    int64_t j = 0;
    for (; j + LANES <= positions; j += LANES) {
      FN(load)(&d, x + j);
      d -= shift;
      sum += d;
      squares += d * d;
    }
    for (; j < positions; j++) {
      double e = (double)x[j] - shift;
      rest += e;
      rest_squares += e * e;
    }
  }
  sums[0] += fold(&sum) + rest;
  sums[1] += fold(&squares) + rest_squares;
}

/* Adds n runs' sums to sums[0..1]: of gy and of gy (x - mean). */
static void FN(sum_products)(double sums[2], const real *gy, const real *x, int64_t n, int64_t step, int64_t positions, double mean) {
  lanes sum = {0}, products = {0}, g, d;
  double rest = 0, rest_products = 0;
  for (; n > 0; n--, x += step, gy += step) {
    int64_t j = 0;
    for (; j + LANES <= positions; j += LANES) {
      FN(load)(&g, gy + j);
      FN(load)(&d, x + j);
      sum += g;
      products += g * (d - mean);
    }
    for (; j < positions; j++) {
      rest += (double)gy[j];
      rest_products += (double)gy[j] * ((double)x[j] - mean);
    }
  }
  sums[0] += fold(&sum) + rest;
  sums[1] += fold(&products) + rest_products;
}

typedef struct FN(forward_job) {
  real *y, *save_mean, *save_invstd, *running_mean, *running_var;
  const real *x, *weight, *bias;
  const sizes *s;
  bool train;
  double momentum, eps;
} FN(forward_job);

/* Mean of `width` neighbouring channels, and the sum of squared distances from it: one pass around the first number, which
 * lies near the mean as far as double's digits are concerned. */
static void FN(statistics)(double mean[LANES], double spread[LANES], const real *x, const sizes *s, int64_t width) {
  int64_t step = s->c * s->positions, count = s->n * s->positions;
  for (int64_t k = 0; k < width; k++) mean[k] = spread[k] = 0;
  if (count == 0) return;
  if (s->positions == 1) {
    for (int64_t n = 0; n < s->n; n++) {
      for (int64_t k = 0; k < width; k++) {
        double d = (double)x[n * step + k] - (double)x[k];
        mean[k] += d;
        spread[k] += d * d;
      }
    }
  } else {
    double sums[2] = {0};
    FN(sum_runs)(sums, x, s->n, step, s->positions, (double)x[0]);
    mean[0] = sums[0];
    spread[0] = sums[1];
  }
  for (int64_t k = 0; k < width; k++) {
    mean[k] /= (double)count;
    spread[k] -= mean[k] * mean[k] * (double)count;
    if (spread[k] < 0) spread[k] = 0;
    mean[k] += (double)x[k];
  }
}

static void FN(forward_task)(void *context, int64_t i) {
  const FN(forward_job) *job = context;
  const sizes *s = job->s;
  int64_t end = gt__min(s->c, (i + 1) * s->per_task), step = s->c * s->positions, count = gt__max(1, s->n * s->positions);
  int64_t across = s->positions == 1 ? LANES : 1;
  for (int64_t c = i * s->per_task; c < end; c += across) {
    int64_t width = gt__min(across, end - c);
    const real *x = job->x + c * s->positions;
    real *y = job->y + c * s->positions;
    double mean[LANES], spread[LANES];
    real gain[LANES], center[LANES], bias[LANES];
    if (job->train) FN(statistics)(mean, spread, x, s, width);
    for (int64_t k = 0; k < width; k++) {
      double invstd;
      if (job->train) {
        invstd = 1 / sqrt(spread[k] / (double)count + job->eps);
        if (job->running_mean && s->n > 0 && s->positions > 0) {
          double unbiased = spread[k] / (double)gt__max(1, count - 1), m = job->momentum;
          job->running_mean[c + k] = (real)(m * mean[k] + (1 - m) * (double)job->running_mean[c + k]);
          job->running_var[c + k] = (real)(m * unbiased + (1 - m) * (double)job->running_var[c + k]);
        }
      } else {
        mean[k] = (double)job->running_mean[c + k];
        invstd = 1 / sqrt((double)job->running_var[c + k] + job->eps);
      }
      if (job->save_mean) job->save_mean[c + k] = (real)mean[k];
      if (job->save_invstd) job->save_invstd[c + k] = (real)invstd;
      gain[k] = (real)(invstd * (job->weight ? (double)job->weight[c + k] : 1));
      center[k] = (real)mean[k];
      bias[k] = job->bias ? job->bias[c + k] : 0;
    }
    if (s->positions == 1) {
      for (int64_t n = 0; n < s->n; n++) {
        for (int64_t k = 0; k < width; k++) y[n * step + k] = (x[n * step + k] - center[k]) * gain[k] + bias[k];
      }
    } else {
      for (int64_t n = 0; n < s->n; n++) {
        for (int64_t j = 0; j < s->positions; j++) y[n * step + j] = (x[n * step + j] - center[0]) * gain[0] + bias[0];
      }
    }
  }
}

typedef struct FN(backward_job) {
  real *gx, *gw, *gb;
  const real *gy, *x, *weight, *mean, *invstd;
  const sizes *s;
  bool train;
  double beta, scale;
} FN(backward_job);

static void FN(backward_task)(void *context, int64_t i) {
  const FN(backward_job) *job = context;
  const sizes *s = job->s;
  int64_t end = gt__min(s->c, (i + 1) * s->per_task), step = s->c * s->positions, count = gt__max(1, s->n * s->positions);
  int64_t across = s->positions == 1 ? LANES : 1;
  for (int64_t c = i * s->per_task; c < end; c += across) {
    int64_t width = gt__min(across, end - c);
    const real *x = job->x + c * s->positions, *gy = job->gy + c * s->positions;
    double sum[LANES] = {0}, products[LANES] = {0};
    real gain[LANES], center[LANES], shift[LANES], slope[LANES];
    if (s->positions == 1) {
      for (int64_t n = 0; n < s->n; n++) {
        for (int64_t k = 0; k < width; k++) {
          sum[k] += (double)gy[n * step + k];
          products[k] += (double)gy[n * step + k] * ((double)x[n * step + k] - (double)job->mean[c + k]);
        }
      }
    } else {
      double sums[2] = {0};
      FN(sum_products)(sums, gy, x, s->n, step, s->positions, (double)job->mean[c]);
      sum[0] = sums[0];
      products[0] = sums[1];
    }
    for (int64_t k = 0; k < width; k++) {
      double invstd = (double)job->invstd[c + k];
      if (job->gw) job->gw[c + k] = (real)((job->beta == 0 ? 0 : job->beta * (double)job->gw[c + k]) + job->scale * products[k] * invstd);
      if (job->gb) job->gb[c + k] = (real)((job->beta == 0 ? 0 : job->beta * (double)job->gb[c + k]) + job->scale * sum[k]);
      gain[k] = (real)(invstd * (job->weight ? (double)job->weight[c + k] : 1));
      center[k] = job->mean[c + k];
      shift[k] = job->train ? (real)(sum[k] / (double)count) : 0;
      slope[k] = job->train ? (real)(products[k] * invstd * invstd / (double)count) : 0;
    }
    if (!job->gx) continue;
    real *gx = job->gx + c * s->positions;
    if (s->positions == 1) {
      for (int64_t n = 0; n < s->n; n++) {
        for (int64_t k = 0; k < width; k++) {
          int64_t at = n * step + k;
          gx[at] = (gy[at] - shift[k] - (x[at] - center[k]) * slope[k]) * gain[k];
        }
      }
    } else {
      for (int64_t n = 0; n < s->n; n++) {
        for (int64_t j = n * step; j < n * step + s->positions; j++) {
          gx[j] = (gy[j] - shift[0] - (x[j] - center[0]) * slope[0]) * gain[0];
        }
      }
    }
  }
}
