/* test_safety.c: what no call may break: released tensors at every entry point, results that share an operand's memory, sizes
 * of 0 and sizes beyond all memory, a request for memory that fails half-way. */
#include "test.h"
#include "../../csrc/core/core.h"

static gt_tensor *vector_of(int dtype, int64_t n, const double *values) {
  gt_tensor *t = test_new(dtype, 1, &n);
  for (int64_t k = 0; k < n; k++) test_put(t, k, values[k]);
  return t;
}

/* Each call once with r and once with the operand released. */
static void test_released(void) {
  gt_tensor *x = test_new(GT_FLOAT, 4, (int64_t[]){2, 2, 4, 4}), *w = test_new(GT_FLOAT, 4, (int64_t[]){2, 2, 2, 2});
  gt_tensor *m = test_new(GT_FLOAT, 2, (int64_t[]){2, 2}), *b = test_new(GT_FLOAT, 3, (int64_t[]){2, 2, 2});
  gt_tensor *v = test_new(GT_FLOAT, 1, (int64_t[]){2}), *index = test_new(GT_LONG, 1, (int64_t[]){2});
  gt_tensor *mask = test_new(GT_BYTE, 1, (int64_t[]){2}), *r = gt_tensor_new(GT_FLOAT), *longs = gt_tensor_new(GT_LONG);
  gt_tensor *positions = test_new(GT_LONG, 4, (int64_t[]){2, 2, 4, 4}), *other = gt_tensor_new(GT_FLOAT);
  gt_tensor *gone = test_new(GT_FLOAT, 4, (int64_t[]){2, 2, 4, 4}), *gone_v = test_new(GT_FLOAT, 1, (int64_t[]){2});
  gt_tensor *gone_long = test_new(GT_LONG, 1, (int64_t[]){2}), *gone_mask = test_new(GT_BYTE, 1, (int64_t[]){2});
  gt_tensor *gone_m = test_new(GT_FLOAT, 2, (int64_t[]){2, 2}), *gone_b = test_new(GT_FLOAT, 3, (int64_t[]){2, 2, 2});
  gt_tensor *all[] = {x, w, m, b, v, index, mask, positions};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) CHECK_OK(gt_fill(all[i], 1));
  gt_tensor *released[] = {gone, gone_v, gone_long, gone_mask, gone_m, gone_b};
  for (size_t i = 0; i < sizeof released / sizeof *released; i++) CHECK_OK(gt_tensor_release(released[i]));
  const gt_conv_shape conv = {1, 1, 0, 0, 1, 1, 1, 0};
  const gt_pool_shape pool = {2, 2, 2, 2, 0, 0, 0, 0};
  const int64_t zero = 0, one[4] = {0, 0, 0, 0}, flat = 64, two = 2;
  gt_generator g;
  gt_generator_seed(&g, 1);
  double number;
  uint64_t hash = 0;
#define GONE(call) CHECK_FAILS(call, GT_ERELEASED, "released")
  GONE(gt_tensor_resize(gone, 1, &two));
  GONE(gt_tensor_resize_as(r, gone));
  GONE(gt_tensor_set(r, gone->store, 0, 1, &zero, NULL));
  GONE(gt_tensor_set_to(r, gone));
  GONE(gt_narrow(r, gone, 0, 0, 1));
  GONE(gt_select(r, gone, 0, 0));
  GONE(gt_transpose(r, gone, 0, 1));
  GONE(gt_permute(r, gone, 4, (int[]){0, 1, 2, 3}));
  GONE(gt_unfold(r, gone, 0, 1, 1));
  GONE(gt_expand(r, gone, 4, gone->shape));
  GONE(gt_squeeze(r, gone, -1));
  GONE(gt_unsqueeze(r, gone, 0));
  GONE(gt_view(r, gone, 1, &flat));
  GONE(gt_fill(gone, 1));
  GONE(gt_copy(gone, x));
  GONE(gt_copy(x, gone));
  GONE(gt_get(gone, 4, one, &number));
  GONE(gt_put(gone, 4, one, 1));
  GONE(gt_cat(r, 2, (const gt_tensor *[]){x, gone}, 0));
  GONE(gt_cat(gone, 1, (const gt_tensor *[]){x}, 0));
  GONE(gt_index_select(r, gone, 0, index));
  GONE(gt_index_select(r, x, 0, gone_long));
  GONE(gt_index_select(gone, x, 0, index));
  GONE(gt_index_copy(gone_v, 0, index, v));
  GONE(gt_index_copy(v, 0, gone_long, v));
  GONE(gt_index_copy(v, 0, index, gone_v));
  GONE(gt_index_add(gone_v, 0, index, v));
  GONE(gt_index_fill(v, 0, gone_long, 1));
  GONE(gt_gather(r, gone_v, 0, index));
  GONE(gt_gather(r, v, 0, gone_long));
  GONE(gt_scatter(gone_v, 0, index, v));
  GONE(gt_scatter(v, 0, index, gone_v));
  GONE(gt_scatter_add(v, 0, gone_long, v));
  GONE(gt_scatter_fill(v, 0, gone_long, 1));
  GONE(gt_masked_fill(gone_v, mask, 1));
  GONE(gt_masked_fill(v, gone_mask, 1));
  GONE(gt_masked_copy(v, gone_mask, v));
  GONE(gt_masked_copy(v, mask, gone_v));
  GONE(gt_masked_select(r, gone_v, mask));
  GONE(gt_masked_select(gone_v, v, mask));
  GONE(gt_nonzero(gone_long, v));
  GONE(gt_nonzero(longs, gone_v));
  GONE(gt_unary(0, r, gone, 0, 0));
  GONE(gt_unary(0, gone, x, 0, 0));
  GONE(gt_binary(0, r, x, gone, 1));
  GONE(gt_ternary(0, r, x, x, gone, 1));
  GONE(gt_compare(0, r, gone, NULL, 0));
  GONE(gt_compare(0, r, x, gone, 0));
  GONE(gt_compare(0, gone, x, NULL, 0));
  GONE(gt_reduce_all(0, &number, gone, 0));
  GONE(gt_reduce(0, r, NULL, gone, 0, 0, 0));
  GONE(gt_reduce(0, gone, NULL, x, 0, 0, 0));
  GONE(gt_reduce(gt_reduce_code("max"), r, gone_long, x, 0, 0, 0));
  GONE(gt_sum_to(r, gone, 1, &two));
  GONE(gt_sum_to(gone, x, 1, (int64_t[]){4}));
  GONE(gt_cumulate(0, r, gone, 0));
  GONE(gt_count_nonfinite(&number, gone));
  GONE(gt_addmm(r, 0, NULL, 1, gone_m, m));
  GONE(gt_addmm(r, 0, gone_m, 1, m, m));
  GONE(gt_addmm(gone_m, 0, NULL, 1, m, m));
  GONE(gt_addmv(r, 1, gone_v, 1, m, v));
  GONE(gt_addr(r, 0, NULL, 1, gone_v, v));
  GONE(gt_baddbmm(r, 0, NULL, 1, b, gone_b));
  GONE(gt_addbmm(gone_m, 0, NULL, 1, b, b));
  GONE(gt_dot(&number, gone_v, v));
  GONE(gt_conv(r, gone, w, &conv));
  GONE(gt_conv(gone, x, w, &conv));
  GONE(gt_conv_input(gone, x, w, &conv, 5, 5));
  GONE(gt_conv_input(r, gone, w, &conv, 5, 5));
  GONE(gt_conv_weight(r, gone, x, &conv, 1, 1, 0, 1));
  GONE(gt_conv_weight(gone, x, x, &conv, 1, 1, 0, 1));
  GONE(gt_add_bias(gone, x, v, 1));
  GONE(gt_add_bias(x, gone, v, 1));
  GONE(gt_add_bias(x, x, gone_v, 1));
  GONE(gt_add_bias_grad(gone, NULL, x, x, v, 0, 0, 1));
  GONE(gt_add_bias_grad(r, gone_v, x, x, v, 0, 0, 1));
  GONE(gt_add_bias_grad(r, NULL, gone, x, v, 0, 0, 1));
  GONE(gt_add_bias_grad(r, NULL, x, gone, v, 0, 0, 1));
  GONE(gt_add_bias_grad(r, NULL, x, x, gone_v, 0, 0, 1));
  GONE(gt_bias_grad(gone_v, x, 0, 1));
  GONE(gt_bias_grad(r, gone, 0, 1));
  GONE(gt_max_pool(r, gone_long, x, &pool));
  GONE(gt_max_pool(r, longs, gone, &pool));
  GONE(gt_max_pool(gone, longs, x, &pool));
  GONE(gt_max_pool_grad(r, gone, positions, 4, 4));
  GONE(gt_max_pool_grad(gone, x, positions, 4, 4));
  GONE(gt_max_pool_pick(r, gone, positions));
  GONE(gt_avg_pool(r, gone, &pool));
  GONE(gt_avg_pool_grad(r, gone, &pool, 8, 8));
  GONE(gt_batch_norm(r, NULL, NULL, gone, NULL, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
  GONE(gt_batch_norm(gone, NULL, NULL, x, NULL, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
  GONE(gt_batch_norm(r, gone_v, NULL, x, NULL, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
  GONE(gt_batch_norm(r, NULL, NULL, x, gone_v, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
  GONE(gt_batch_norm(r, NULL, NULL, x, NULL, NULL, v, gone_v, 1, 0.1, 1e-5, 1));
  GONE(gt_batch_norm_again(r, gone, NULL, NULL, v, v, 1));
  GONE(gt_batch_norm_again(gone, x, NULL, NULL, v, v, 1));
  GONE(gt_batch_norm_again(r, x, NULL, gone_v, v, v, 1));
  GONE(gt_batch_norm_again(r, x, NULL, NULL, gone_v, v, 1));
  GONE(gt_batch_norm_grad(r, NULL, NULL, gone, x, NULL, NULL, NULL, v, v, 1, 1, 0, 1));
  GONE(gt_batch_norm_grad(r, NULL, NULL, x, x, NULL, NULL, NULL, gone_v, v, 1, 1, 0, 1));
  GONE(gt_batch_norm_grad(NULL, gone_v, NULL, x, x, NULL, NULL, NULL, v, v, 1, 1, 0, 1));
  GONE(gt_adam(v, v, v, gone_v, 0.9, 0.999, 1e-8, 0.1));
  GONE(gt_rmsprop(gone_v, v, v, 0.9, 1e-8, 0.1));
  GONE(gt_random_fill(&g, "uniform", gone, 0, 1));
  GONE(gt_random_permutation(&g, gone_v, 2));
  GONE(gt_hash(&hash, gone));
#undef GONE
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
  for (size_t i = 0; i < sizeof released / sizeof *released; i++) gt_tensor_free(released[i]);
  gt_tensor_free(r), gt_tensor_free(longs), gt_tensor_free(other);
}

/* A tensor that could not grow is as it was, and can be used. */
static void test_failed_growth(void) {
  int64_t small[2] = {2, 3}, large[2] = {1000, 2000};
  gt_tensor *t = test_new(GT_FLOAT, 2, small), *empty = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_fill(t, 7));
  gt_pool_set_limit(gt_pool()->live + 1e6);
  CHECK_FAILS(gt_tensor_resize(t, 2, large), GT_ENOMEM, "limit");
  CHECK_FAILS(gt_tensor_resize(empty, 2, large), GT_ENOMEM, "limit");
  CHECK_FAILS(gt_tensor_set(t, t->store, 0, 2, large, NULL), GT_ENOMEM, "limit");
  CHECK_FAILS(gt_tensor_set(t, NULL, 0, 2, large, NULL), GT_ENOMEM, "limit");
  gt_pool_set_limit(0);
  CHECK(t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->step[0] == 3 && test_at(t, 5) == 7);
  CHECK(empty->rank == 0);
  CHECK_OK(gt_fill(empty, 1));
  gt_tensor_free(t), gt_tensor_free(empty);
}

/* No count, stride or offset overflows. */
static void test_absurd_sizes(void) {
  const int64_t huge = (int64_t)1 << 40;
  gt_tensor *t = test_new(GT_FLOAT, 1, (int64_t[]){3}), *r = gt_tensor_new(GT_FLOAT), *longs = gt_tensor_new(GT_LONG);
  gt_tensor *image = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 3, 4}), *w = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 2, 2});
  gt_generator g;
  gt_generator_seed(&g, 1);
  double number;
  CHECK_FAILS(gt_expand(r, t, 4, (int64_t[]){huge, huge, huge, 3}), GT_ENOMEM, "memory");
  CHECK_FAILS(gt_tensor_resize(r, 3, (int64_t[]){huge, huge, 0}), GT_ENOMEM, "memory");
  CHECK_FAILS(gt_tensor_set(r, t->store, INT64_MAX, 1, (int64_t[]){3}, NULL), GT_ENOMEM, "memory");
  CHECK_FAILS(gt_tensor_set(r, t->store, 0, 2, (int64_t[]){3, 3}, (int64_t[]){INT64_MAX, 1}), GT_ENOMEM, "memory");
  CHECK_FAILS(gt_view(r, t, 3, (int64_t[]){huge, huge, -1}), GT_ESHAPE, "cannot be seen");
  CHECK_FAILS(gt_narrow(r, t, 0, INT64_MAX, 1), GT_EARG, "outside");
  CHECK_OK(gt_unfold(r, t, 0, 3, INT64_MAX));
  CHECK(r->shape[0] == 1 && r->shape[1] == 3);
  CHECK_FAILS(gt_get(t, 1, (int64_t[]){INT64_MAX}, &number), GT_EARG, "outside");
  CHECK_OK(gt_tensor_resize(t, 0, NULL)); /* empty, its storage kept */
  CHECK_FAILS(gt_get(t, 0, NULL, &number), GT_ESHAPE, "empty");
  CHECK_FAILS(gt_put(t, 0, NULL, 1), GT_ESHAPE, "empty");
  CHECK_FAILS(gt_random_permutation(&g, longs, (int64_t)1 << 61), GT_ENOMEM, "memory");
  CHECK_FAILS(gt_random_fill(&g, "random", image, 1, 0), GT_EARG, "1..0");
  CHECK_OK(gt_fill(image, 1));
  CHECK_OK(gt_fill(w, 1));
  /* One output: the stride says nothing, however large. */
  CHECK_OK(gt_conv(r, image, w, &(gt_conv_shape){INT32_MAX, INT32_MAX, 0, 0, 1, 1, 1, 0}));
  CHECK(r->rank == 4 && test_count(r) == 1 && test_at(r, 0) == 4);
  CHECK_OK(gt_conv_input(r, r, w, &(gt_conv_shape){INT32_MAX, INT32_MAX, 0, 0, 1, 1, 1, 0}, 3, 4));
  CHECK(test_at(r, 0) == 4 && test_at(r, 5) == 4 && test_at(r, 2) == 0 && test_at(r, 11) == 0);
  gt_tensor *point = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 1, 1});
  CHECK_OK(gt_fill(point, 2));
  for (int64_t k = 0; k < 12; k++) test_put(image, k, (double)k);
  CHECK_OK(gt_conv(r, image, point, &(gt_conv_shape){1, 4, 0, 0, 1, 1, 1, 0})); /* one column of three rows */
  CHECK(r->shape[2] == 3 && r->shape[3] == 1 && test_at(r, 0) == 0 && test_at(r, 1) == 8 && test_at(r, 2) == 16);
  CHECK_FAILS(gt_conv_weight(r, image, image, &(gt_conv_shape){1, 1, 0, 0, INT32_MAX, 1, 1, 0}, INT64_MAX, 1, 0, 1), GT_EARG, "kernel");
  CHECK_FAILS(gt_conv_input(r, image, w, &(gt_conv_shape){1, 1, 0, 0, 1, 1, 1, 0}, INT64_MAX, 1), GT_EARG, "images");
  /* Images without pixels have no windows. */
  gt_tensor *none = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 0, 4}), *nowhere = test_new(GT_LONG, 4, (int64_t[]){1, 1, 0, 4});
  const gt_pool_shape pool = {2, 2, 1, 1, 1, 1, 0, 0};
  CHECK_FAILS(gt_max_pool(r, longs, none, &pool), GT_ESHAPE, "0x4");
  CHECK_FAILS(gt_avg_pool(r, none, &pool), GT_ESHAPE, "0x4");
  CHECK_OK(gt_max_pool_pick(r, none, nowhere));
  CHECK(test_count(r) == 0);
  gt_tensor *all[] = {t, r, longs, image, w, point, none, nowhere};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

/* Results whose memory is an operand's: as if the operand had been copied before. */
static void test_shared_memory(void) {
  /* Indices that are overwritten while they are used. */
  const double order[] = {2, 1, 3}, far[] = {1e12, 2e12, 3e12};
  gt_tensor *index = vector_of(GT_LONG, 3, order), *values = vector_of(GT_LONG, 3, far);
  CHECK_OK(gt_index_copy(index, 0, index, values));
  CHECK(test_at(index, 0) == 2e12 && test_at(index, 1) == 1e12 && test_at(index, 2) == 3e12);
  for (int64_t k = 0; k < 3; k++) test_put(index, k, order[k]);
  CHECK_OK(gt_scatter(index, 0, index, values));
  CHECK(test_at(index, 0) == 2e12 && test_at(index, 1) == 1e12);
  for (int64_t k = 0; k < 3; k++) test_put(index, k, order[k]);
  CHECK_OK(gt_scatter_add(index, 0, index, values));
  CHECK(test_at(index, 0) == 2e12 + 2 && test_at(index, 1) == 1e12 + 1);
  for (int64_t k = 0; k < 3; k++) test_put(index, k, order[k]);
  CHECK_OK(gt_index_fill(index, 0, index, 1e15));
  CHECK(test_at(index, 0) == 1e15 && test_at(index, 2) == 1e15);
  for (int64_t k = 0; k < 3; k++) test_put(index, k, order[k]);
  CHECK_OK(gt_scatter_fill(index, 0, index, 1e15));
  CHECK(test_at(index, 1) == 1e15);
  /* A mask that is its own destination, one element on. */
  gt_tensor *bytes = vector_of(GT_BYTE, 4, (double[]){1, 0, 0, 0}), *mask = gt_tensor_new(GT_BYTE), *to = gt_tensor_new(GT_BYTE);
  gt_tensor *source = vector_of(GT_BYTE, 1, (double[]){9});
  CHECK_OK(gt_narrow(mask, bytes, 0, 0, 3));
  CHECK_OK(gt_narrow(to, bytes, 0, 1, 3));
  CHECK_OK(gt_masked_copy(to, mask, source));
  CHECK(test_at(bytes, 0) == 1 && test_at(bytes, 1) == 9 && test_at(bytes, 2) == 0 && test_at(bytes, 3) == 0);
  /* An empty part that is the result as well. */
  gt_tensor *part = vector_of(GT_FLOAT, 3, far), *joined = test_new(GT_FLOAT, 1, (int64_t[]){0});
  CHECK_OK(gt_cat(joined, 2, (const gt_tensor *[]){joined, part}, 0));
  CHECK(test_count(joined) == 3 && test_at(joined, 2) == test_at(part, 2));
  /* A result at the front of the storage that has to grow over its operand. */
  gt_tensor *block = test_new(GT_FLOAT, 1, (int64_t[]){40}), *x = gt_tensor_new(GT_FLOAT), *y = gt_tensor_new(GT_FLOAT);
  gt_tensor *apart = gt_tensor_new(GT_FLOAT), *w = test_new(GT_FLOAT, 4, (int64_t[]){1, 1, 1, 1});
  CHECK_OK(gt_fill(w, 3));
  for (int turn = 0; turn < 3; turn++) {
    for (int64_t k = 0; k < 40; k++) test_put(block, k, (double)(k % 7));
    CHECK_OK(gt_tensor_set(x, block->store, 5, 4, (int64_t[]){1, 1, 4, 4}, NULL));
    CHECK_OK(gt_tensor_set(y, block->store, 0, 1, (int64_t[]){2}, NULL));
    for (int pass = 0; pass < 2; pass++) {
      gt_tensor *out = pass ? y : apart;
      if (turn == 0) CHECK_OK(gt_conv(out, x, w, &(gt_conv_shape){1, 1, 0, 0, 1, 1, 1, 0}));
      else if (turn == 1) CHECK_OK(gt_avg_pool(out, x, &(gt_pool_shape){1, 1, 1, 1, 0, 0, 0, 0}));
      else CHECK_OK(gt_batch_norm(out, NULL, NULL, x, NULL, NULL, NULL, NULL, 1, 0.1, 1e-5, 1));
    }
    int same = test_count(y) == 16;
    for (int64_t k = 0; k < 16 && same; k++) same &= test_at(y, k) == test_at(apart, k);
    CHECK_MSG(same, "turn %d", turn);
  }
  /* Filling what repeats one element. */
  gt_tensor *wide = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_expand(wide, w, 4, (int64_t[]){50, 20, 30, 40}));
  CHECK_OK(gt_fill(wide, 5));
  CHECK(test_at(w, 0) == 5);
  /* An optimizer that cannot write everything writes nothing. */
  gt_tensor *weights = test_new(GT_FLOAT, 1, (int64_t[]){4}), *gradient = test_new(GT_FLOAT, 1, (int64_t[]){4});
  CHECK_OK(gt_fill(weights, 1));
  CHECK_OK(gt_fill(gradient, 1));
  CHECK_OK(gt_tensor_set(wide, gradient->store, 0, 1, (int64_t[]){4}, (int64_t[]){0}));
  CHECK_FAILS(gt_adam(weights, gradient, wide, gradient, 0.9, 0.999, 1e-8, 0.1), GT_EARG, "expanded");
  CHECK(test_at(weights, 0) == 1);
  gt_tensor_free(weights), gt_tensor_free(gradient);
  gt_tensor *all[] = {index, values, bytes, mask, to, source, part, joined, block, x, y, apart, w, wide};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) gt_tensor_free(all[i]);
}

/* Each operand of gt_svm_visit released in turn; with all of them there, one visit of three examples. */
static void test_released_svm(void) {
  static const struct { int dtype, rank; int64_t shape[2]; double fill; } operands[] = {
    {GT_DOUBLE, 2, {1, 3}, 0}, {GT_DOUBLE, 2, {1, 3}, 0}, {GT_BYTE, 2, {1, 3}, 1}, {GT_DOUBLE, 2, {1, 5}, 1}, {GT_FLOAT, 2, {3, 2}, 1},
    {GT_DOUBLE, 1, {3}, 3}, {GT_LONG, 1, {3}, 1}, {GT_LONG, 1, {3}, 1}, {GT_LONG, 1, {3}, 1}};
  enum { COUNT = sizeof operands / sizeof *operands };
  for (int gone = 0; gone <= COUNT; gone++) {
    gt_tensor *t[COUNT];
    for (int i = 0; i < COUNT; i++) {
      t[i] = test_new(operands[i].dtype, operands[i].rank, operands[i].shape);
      CHECK_OK(gt_fill(t[i], operands[i].fill));
      if (i == gone) CHECK_OK(gt_tensor_release(t[i]));
    }
    const int code = gt_svm_visit(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], 0, 3, 1, 1, 1);
    CHECK_MSG(code == (gone == COUNT ? GT_OK : GT_ERELEASED), "svm_visit with operand %d released: code %d", gone, code);
    if (gone == COUNT) {
      /* The first visit: w = 0, so g = -1 and alpha = 1 / (3 + 1/2); w = alpha (1, 1, 1). */
      CHECK(test_at(t[0], 0) > 0 && test_at(t[0], 0) == test_at(t[0], 2) && fabs(test_at(t[0], 0) - test_at(t[1], 0)) < 1e-15);
    }
    for (int i = 0; i < COUNT; i++) gt_tensor_free(t[i]);
  }
}

int main(void) {
  double live = gt_pool()->live;
  test_released();
  test_released_svm();
  test_failed_growth();
  test_absurd_sizes();
  test_shared_memory();
  CHECK_NEAR(gt_pool()->live, live, 0);
  return test_report("safety");
}
