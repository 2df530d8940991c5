/* channels.inl: what batch norm and biases do to the numbers of many channels (kernels.h says what), once for float and once for
 * double. row_: columns are channels, and vectors run across them; plane_: the block is one channel, and vectors run along it.
 * Sums run in double: a column's in the order of its rows, a channel's in LANES that are added at the end. */

#ifndef GANTRY_CHANNELS_LANES
#define GANTRY_CHANNELS_LANES
enum { PLAIN, RELU, LEAKY };               /* slope 1, 0, another */

static inline double folded(double *v) {
  for (int half = LANES / 2; half; half /= 2)
    for (int k = 0; k < half; k++) v[k] += v[k + half];
  return v[0];
}
#endif

static inline real FN(active)(real z, real slope, int kind) {
  if (kind == PLAIN) return z;
  if (kind == RELU) return z <= 0 ? 0 : z;
  return z > 0 ? z : slope * z;
}

/* g: the derivative of active at z, times gy */
static inline real FN(passed)(real gy, real z, real slope, int kind) {
  if (kind == PLAIN) return gy;
  if (kind == RELU) return z <= 0 ? 0 : gy;
  return z > 0 ? gy : slope * gy;
}

/* A function of a block as three, of which the compiler knows the kind. */
#define BY_KIND(name)                                                        \
  static void FN(name)(const gt__channel_block *b) {                         \
    if (b->slope == 1) FN(name##_of)(b, PLAIN);                              \
    else if (b->slope == 0) FN(name##_of)(b, RELU);                          \
    else FN(name##_of)(b, LEAKY);                                            \
  }
#define INLINE static inline __attribute__((always_inline)) void
#define VECTORS                                                              \
  const real *center = b->center, *gain = b->gain, *bias = b->bias;          \
  const real slope = (real)b->slope;                                         \
  const int64_t cols = b->cols, step = b->step;                              \
  (void)slope

/* ---- columns are channels ---------------------------------------------------------------------------------------------- */

static void FN(row_spread)(const gt__channel_block *b) {
  const real *restrict x = b->x, *restrict center = b->center;
  double *restrict sum = b->sum, *restrict squares = b->product;
  const int64_t cols = b->cols, step = b->step;
  int64_t r = 0;
  for (; r + 4 <= b->rows; r += 4, x += 4 * step) {
    for (int64_t j = 0; j < cols; j++) {
      const double c = (double)center[j], d0 = (double)x[j] - c, d1 = (double)x[step + j] - c;
      const double d2 = (double)x[2 * step + j] - c, d3 = (double)x[3 * step + j] - c;
      sum[j] = sum[j] + d0 + d1 + d2 + d3;
      squares[j] = squares[j] + d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
    }
  }
  for (; r < b->rows; r++, x += step) {
    for (int64_t j = 0; j < cols; j++) {
      const double d = (double)x[j] - (double)center[j];
      sum[j] += d;
      squares[j] += d * d;
    }
  }
}

INLINE FN(row_map_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *x = b->x;
  real *y = b->out;
  for (int64_t r = 0; r < b->rows; r++, x += step, y += step) {
    GT__IVDEP for (int64_t j = 0; j < cols; j++) y[j] = FN(active)((x[j] - center[j]) * gain[j] + bias[j], slope, kind);
  }
}
BY_KIND(row_map)

INLINE FN(row_products_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *restrict x = b->x, *restrict gy = b->gy;
  double *restrict sum = b->sum, *restrict products = b->product;
  int64_t r = 0;
  for (; r + 2 <= b->rows; r += 2, x += 2 * step, gy += 2 * step) {
    for (int64_t j = 0; j < cols; j++) {
      const real c = center[j], d0 = x[j] - c, d1 = x[step + j] - c;
      const double g0 = (double)FN(passed)(gy[j], d0 * gain[j] + bias[j], slope, kind);
      const double g1 = (double)FN(passed)(gy[step + j], d1 * gain[j] + bias[j], slope, kind);
      sum[j] = sum[j] + g0 + g1;
      products[j] = products[j] + g0 * ((double)x[j] - (double)c) + g1 * ((double)x[step + j] - (double)c);
    }
  }
  for (; r < b->rows; r++, x += step, gy += step) {
    for (int64_t j = 0; j < cols; j++) {
      const double g = (double)FN(passed)(gy[j], (x[j] - center[j]) * gain[j] + bias[j], slope, kind);
      sum[j] += g;
      products[j] += g * ((double)x[j] - (double)center[j]);
    }
  }
}
BY_KIND(row_products)

INLINE FN(row_gradient_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *x = b->x, *gy = b->gy, *lift = b->lift, *tilt = b->tilt, *scale = b->scale;
  real *gx = b->out;
  for (int64_t r = 0; r < b->rows; r++, x += step, gy += step, gx += step) {
    GT__IVDEP for (int64_t j = 0; j < cols; j++) {
      const real d = x[j] - center[j];
      gx[j] = (FN(passed)(gy[j], d * gain[j] + bias[j], slope, kind) - lift[j] - d * tilt[j]) * scale[j];
    }
  }
}
BY_KIND(row_gradient)

/* ---- the block is one channel -------------------------------------------------------------------------------------------- */

static void FN(plane_spread)(const gt__channel_block *b) {
  const real *x = b->x;
  const double center = (double)*(const real *)b->center;
  double sum[LANES] = {0}, squares[LANES] = {0};
  for (int64_t r = 0; r < b->rows; r++, x += b->step) {
    int64_t j = 0;
    for (; j + LANES <= b->cols; j += LANES) {
      for (int k = 0; k < LANES; k++) {
        const double d = (double)x[j + k] - center;
        sum[k] += d;
        squares[k] += d * d;
      }
    }
    for (int k = 0; j < b->cols; j++, k++) {
      const double d = (double)x[j] - center;
      sum[k] += d;
      squares[k] += d * d;
    }
  }
  *b->sum += folded(sum);
  *b->product += folded(squares);
}

INLINE FN(plane_map_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *x = b->x, c = *center, a = *gain, o = *bias;
  real *y = b->out;
  for (int64_t r = 0; r < b->rows; r++, x += step, y += step) {
    GT__IVDEP for (int64_t j = 0; j < cols; j++) y[j] = FN(active)((x[j] - c) * a + o, slope, kind);
  }
}
BY_KIND(plane_map)

INLINE FN(plane_products_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *x = b->x, *gy = b->gy, c = *center, a = *gain, o = *bias;
  double sum[LANES] = {0}, products[LANES] = {0};
  for (int64_t r = 0; r < b->rows; r++, x += step, gy += step) {
    int64_t j = 0;
    for (; j + LANES <= cols; j += LANES) {
      for (int k = 0; k < LANES; k++) {
        const double g = (double)FN(passed)(gy[j + k], (x[j + k] - c) * a + o, slope, kind);
        sum[k] += g;
        products[k] += g * ((double)x[j + k] - (double)c);
      }
    }
    for (int k = 0; j < cols; j++, k++) {
      const double g = (double)FN(passed)(gy[j], (x[j] - c) * a + o, slope, kind);
      sum[k] += g;
      products[k] += g * ((double)x[j] - (double)c);
    }
  }
  *b->sum += folded(sum);
  *b->product += folded(products);
}
BY_KIND(plane_products)

INLINE FN(plane_gradient_of)(const gt__channel_block *b, int kind) {
  VECTORS;
  const real *x = b->x, *gy = b->gy, c = *center, a = *gain, o = *bias;
  const real lift = *(const real *)b->lift, tilt = *(const real *)b->tilt, scale = *(const real *)b->scale;
  real *gx = b->out;
  for (int64_t r = 0; r < b->rows; r++, x += step, gy += step, gx += step) {
    GT__IVDEP for (int64_t j = 0; j < cols; j++) {
      const real d = x[j] - c;
      gx[j] = (FN(passed)(gy[j], d * a + o, slope, kind) - lift - d * tilt) * scale;
    }
  }
}
BY_KIND(plane_gradient)

#undef BY_KIND
#undef INLINE
#undef VECTORS
