/* layout.inl: the loops of ops/layout.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name; TRANSPOSE: the matrix kernels' entry for it.
 */

typedef struct FN(order_job) {
  real *to;
  const real *from;
  int64_t n, c, area, images;           /* images in one task, of a block of positions */
  bool inner;                           /* the inner layout is made, else left */
} FN(order_job);

/* to[position][image][channel] from from[image][channel][position]. A task writes whole lines: of few channels it takes many images. */
static void FN(gather_task)(void *context, int64_t i) {
  const FN(order_job) *job = context;
  const gt__matrix_kernels *k = gt__matrix();
  int64_t parts = gt__ceil_div(job->n, job->images), n0 = i % parts * job->images, n1 = gt__min(job->n, n0 + job->images);
  int64_t p = i / parts * POSITIONS, positions = gt__min(POSITIONS, job->area - p), row = job->n * job->c;
  for (int64_t n = n0; n < n1; n++) {
    k->TRANSPOSE(job->to + p * row + n * job->c, row, job->from + n * job->c * job->area + p, job->area, job->c, positions);
  }
}

static void FN(scatter_task)(void *context, int64_t i) {
  const FN(order_job) *job = context;
  const gt__matrix_kernels *k = gt__matrix();
  int64_t parts = gt__ceil_div(job->n, job->images), n0 = i % parts * job->images, n1 = gt__min(job->n, n0 + job->images);
  int64_t p = i / parts * POSITIONS, positions = gt__min(POSITIONS, job->area - p), row = job->n * job->c;
  for (int64_t n = n0; n < n1; n++) {
    k->TRANSPOSE(job->to + n * job->c * job->area + p, job->area, job->from + p * row + n * job->c, row, positions, job->c);
  }
}

/* Pictures have too few channels to fill a square: channel by channel, squares of positions and images, which are then put together. */
static inline __attribute__((always_inline)) void FN(join)(real *to, const real *from, int64_t images, const int64_t c) {
  for (int64_t n = 0; n < images; n++) {
    for (int64_t k = 0; k < c; k++) to[n * c + k] = from[k * POSITIONS * TOGETHER + n];
  }
}
static inline __attribute__((always_inline)) void FN(part)(real *to, const real *from, int64_t images, const int64_t c) {
  for (int64_t n = 0; n < images; n++) {
    for (int64_t k = 0; k < c; k++) to[k * POSITIONS * TOGETHER + n] = from[n * c + k];
  }
}

static void FN(few_task)(void *context, int64_t i) {
  const FN(order_job) *job = context;
  const gt__matrix_kernels *kernels = gt__matrix();
  int64_t parts = gt__ceil_div(job->n, TOGETHER), n0 = i % parts * TOGETHER, images = gt__min(TOGETHER, job->n - n0), c = job->c;
  int64_t p0 = i / parts * POSITIONS, positions = gt__min(POSITIONS, job->area - p0), row = job->n * c, image = c * job->area;
  real tiles[FEW * POSITIONS * TOGETHER];
  const int64_t flat = n0 * image + p0, inner = p0 * row + n0 * c;
  for (int64_t k = 0; k < c && job->inner; k++) {
    kernels->TRANSPOSE(tiles + k * POSITIONS * TOGETHER, TOGETHER, job->from + flat + k * job->area, image, images, positions);
  }
  for (int64_t p = 0; p < positions; p++) {
    real *at = tiles + p * TOGETHER;
    if (job->inner) {
      if (c == 3) FN(join)(job->to + inner + p * row, at, images, 3);
      else FN(join)(job->to + inner + p * row, at, images, c);
    } else {
      if (c == 3) FN(part)(at, job->from + inner + p * row, images, 3);
      else FN(part)(at, job->from + inner + p * row, images, c);
    }
  }
  for (int64_t k = 0; k < c && !job->inner; k++) {
    kernels->TRANSPOSE(job->to + flat + k * job->area, image, tiles + k * POSITIONS * TOGETHER, TOGETHER, positions, images);
  }
}

static void FN(reorder)(real *to, const real *from, int64_t n, int64_t c, int64_t area, bool inner) {
  FN(order_job) job = {.to = to, .from = from, .n = n, .c = c, .area = area, .inner = inner};
  if (c <= FEW) {
    gt__parallel(gt__ceil_div(area, POSITIONS) * gt__ceil_div(n, TOGETHER), FN(few_task), &job);
    return;
  }
  job.images = gt__max(1, GT__CHUNK / (c * gt__min(area, POSITIONS)));
  gt__parallel(gt__ceil_div(area, POSITIONS) * gt__ceil_div(n, job.images), inner ? FN(gather_task) : FN(scatter_task), &job);
}
