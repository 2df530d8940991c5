/* layout.inl: the loops of ops/layout.c, included once for float and once for double.
 * real: the element type; FN(name): the function's name; TRANSPOSE: the matrix kernels' entry for it.
 */

typedef struct FN(order_job) {
  real *to;
  const real *from;
  int64_t n, c, area, images;           /* images in one task, of a block of positions */
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

static void FN(reorder)(real *to, const real *from, int64_t n, int64_t c, int64_t area, bool inner) {
  FN(order_job) job = {.to = to, .from = from, .n = n, .c = c, .area = area};
  job.images = gt__max(1, GT__CHUNK / (c * gt__min(area, POSITIONS)));
  gt__parallel(gt__ceil_div(area, POSITIONS) * gt__ceil_div(n, job.images), inner ? FN(gather_task) : FN(scatter_task), &job);
}
