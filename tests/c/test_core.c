/* test_core.c: the pool, storages, views, the thread pool with its jobs, errors per thread, random numbers. */
#include "test.h"
#include "../../csrc/core/core.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_pool(void) {
  const gt_pool_stats *stats = gt_pool();
  double live = stats->live, mapped;
  void *blocks[200];
  size_t capacity[200];
  for (int i = 0; i < 200; i++) {
    size_t want = (size_t)test_int(1, i % 3 ? 5000 : 3000000);
    blocks[i] = gt__pool_alloc(want, &capacity[i]);
    CHECK(blocks[i] && capacity[i] >= want && capacity[i] <= want + want / 8 + 128);
    CHECK(((uintptr_t)blocks[i] & 63) == 0);
    memset(blocks[i], i, want);
  }
  CHECK(stats->live > live && stats->peak >= stats->live);
  for (int i = 0; i < 200; i++) gt__pool_free(blocks[i], capacity[i]);
  CHECK_NEAR(stats->live, live, 0);
  /* The same requests again are served from what was kept. */
  mapped = stats->mapped;
  for (int round = 0; round < 50; round++)
    for (size_t bytes = 1; bytes < 1 << 20; bytes = bytes * 3 + 1) {
      size_t got;
      void *p = gt__pool_alloc(bytes, &got);
      gt__pool_free(p, got);
      if (round == 0) mapped = stats->mapped;
    }
  CHECK_NEAR(stats->mapped, mapped, 0);
  gt_pool_set_limit(stats->live + 1e6);
  CHECK(gt__pool_alloc(4 << 20, NULL) == NULL && strstr(gt_last_error(), "limit"));
  gt_pool_set_limit(0);
  CHECK(gt__pool_alloc((size_t)1 << 50, NULL) == NULL);
  gt_pool_trim();
}

/* Large blocks: whole, apart, joined when they are free, and of memory that was there before. */
static void test_arena(void) {
  enum { COUNT = 48, MB = 1 << 20 };
  const gt_pool_stats *stats = gt_pool();
  unsigned char *block[COUNT] = {0};
  size_t capacity[COUNT], wanted[COUNT];
  long wrong = 0;
  for (int turn = 0; turn < 4000; turn++) {
    int i = test_int(0, COUNT - 1);
    if (block[i]) {
      for (size_t at = 0; at < wanted[i]; at += 4093) wrong += block[i][at] != (unsigned char)(i + 1);
      gt__pool_free(block[i], capacity[i]);
      block[i] = NULL;
      continue;
    }
    wanted[i] = (size_t)test_int(MB + 1, 3 * MB);
    block[i] = gt__pool_alloc(wanted[i], &capacity[i]);
    CHECK(block[i] && capacity[i] >= wanted[i] && capacity[i] < wanted[i] + 65536 && ((uintptr_t)block[i] & 63) == 0);
    for (size_t at = 0; at < wanted[i]; at += 4093) block[i][at] = (unsigned char)(i + 1);
  }
  CHECK(wrong == 0);
  double live = stats->live;
  for (int i = 0; i < COUNT; i++) {
    if (!block[i]) continue;
    live -= (double)capacity[i];
    gt__pool_free(block[i], capacity[i]);
  }
  CHECK_NEAR(stats->live, live, 0);
  double mapped = stats->mapped;
  size_t all;
  void *joined = gt__pool_alloc((size_t)20 * MB, &all);
  CHECK(joined && stats->mapped == mapped);
  gt__pool_free(joined, all);
  gt_pool_trim();
  double small = stats->cached;     /* what is left of small blocks */
  joined = gt__pool_alloc((size_t)20 * MB, &all);
  CHECK(joined && stats->mapped == mapped + (double)all && ((unsigned char *)joined)[5 * MB] == 0); /* new pages */
  memset(joined, 1, all);
  gt__pool_free(joined, all);
  /* What is kept is not much more than what was in use. */
  gt_pool_reset_peak();
  joined = gt__pool_alloc((size_t)2 * MB, &all);
  gt__pool_free(joined, all);
  CHECK(stats->cached <= small + stats->peak);
  /* More than there is: an error, and the pool as it was. */
  mapped = stats->mapped;
  CHECK(gt__pool_alloc((size_t)1 << 46, NULL) == NULL && stats->mapped == mapped);
}

/* A view's element must be the base's element that plain index arithmetic names. */
static void test_views(void) {
  for (int round = 0; round < 300; round++) {
    int rank = test_int(1, 4);
    int64_t shape[4], index[4];
    for (int d = 0; d < rank; d++) shape[d] = test_int(1, 5);
    gt_tensor *t = test_new(GT_DOUBLE, rank, shape), *v = gt_tensor_new(GT_DOUBLE);
    for (int64_t k = 0; k < test_count(t); k++) test_put(t, k, (double)k);
    int d = test_int(0, rank - 1), e = test_int(0, rank - 1);
    int64_t start = test_int(0, (int)shape[d] - 1), length = test_int(0, (int)(shape[d] - start));
    CHECK_OK(gt_narrow(v, t, d, start, length));
    CHECK(v->shape[d] == length && v->store == t->store);
    CHECK_OK(gt_transpose(v, t, d, e));
    for (int64_t k = 0; k < test_count(v); k++) {
      int64_t rest = k, place = 0, step[4], n = 1;
      for (int i = rank - 1; i >= 0; i--) index[i] = rest % v->shape[i], rest /= v->shape[i];
      int64_t swap = index[d];
      index[d] = index[e], index[e] = swap;
      for (int i = rank - 1; i >= 0; i--) step[i] = n, n *= shape[i];
      for (int i = 0; i < rank; i++) place += index[i] * step[i];
      CHECK_NEAR(test_at(v, k), (double)place, 0);
    }
    /* A reshape that strides allow keeps the order of the elements; one they do not allow is refused. */
    int64_t all = test_count(t);
    int cut = all % 2 == 0 ? 2 : 1;
    int64_t wanted[2] = {cut, -1};
    gt_tensor *w = gt_tensor_new(GT_DOUBLE);
    int code = gt_view(w, v, 2, wanted);
    if (code) CHECK(code == GT_ESHAPE && !gt_is_contiguous(v));
    else
      for (int64_t k = 0; k < all; k++) CHECK_NEAR(test_at(w, k), test_at(v, k), 0);
    gt_tensor_free(w), gt_tensor_free(v), gt_tensor_free(t);
  }
  int64_t shape[3] = {2, 1, 3}, big[4] = {4, 2, 5, 3}, zero[2] = {0, 3};
  gt_tensor *t = test_new(GT_FLOAT, 3, shape), *v = gt_tensor_new(GT_FLOAT);
  test_fill(t, -1, 1);
  CHECK_OK(gt_expand(v, t, 4, big));
  CHECK(v->step[0] == 0 && v->step[2] == 0 && v->step[1] == 3 && test_at(v, 17) == test_at(t, 5));
  CHECK_FAILS(gt_expand(v, t, 2, zero), GT_ESHAPE, "2-dimensional");
  CHECK_FAILS(gt_narrow(v, t, 2, 2, 2), GT_EARG, "outside 1..3");
  CHECK_FAILS(gt_select(v, t, 0, 2), GT_EARG, "outside 1..2");
  CHECK_FAILS(gt_select(v, t, 3, 0), GT_EARG, "dimension 4");
  CHECK_OK(gt_unfold(v, t, 2, 2, 1));
  CHECK(v->rank == 4 && v->shape[2] == 2 && v->shape[3] == 2 && test_at(v, 3) == test_at(t, 2));
  CHECK_OK(gt_squeeze(v, t, -1));
  CHECK(v->rank == 2 && v->shape[0] == 2 && v->shape[1] == 3);
  CHECK_OK(gt_tensor_resize(v, 2, zero));
  CHECK(gt_numel(v) == 0 && gt_is_contiguous(v));
  CHECK_FAILS(gt_tensor_resize(v, 2, (int64_t[]){1 << 30, 1 << 30}), GT_ENOMEM, "memory");
  /* A tensor that let go of its memory says so; others that share it go on. */
  gt_tensor *other = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_select(other, t, 0, 1));
  gt_tensor_release(t);
  CHECK_FAILS(gt_narrow(v, t, 2, 0, 1), GT_ERELEASED, "released");
  CHECK(test_at(other, 0) >= -1 && test_at(other, 0) <= 1);
  gt_tensor_free(t), gt_tensor_free(v), gt_tensor_free(other);
}

enum { TASKS = 5000 };
static int64_t squares[TASKS];
static void square(void *context, int64_t i) {
  (void)context;
  squares[i] += i * i;
}
static void nested(void *context, int64_t i) {
  (void)i;
  gt__parallel(10, square, context);
}
static void count_up(void *context, int64_t i) { __atomic_add_fetch((int64_t *)context + i % 4, 1, __ATOMIC_RELAXED); }

static void *caller(void *arg) {
  int64_t counts[4] = {0}, *fine = arg;
  char text[40];
  snprintf(text, sizeof text, "message of caller %p", arg);
  gt__fail(GT_EARG, "message of caller %p", arg);
  for (int i = 0; i < 200; i++) gt__parallel(40, count_up, counts);
  for (int i = 0; i < 4; i++) *fine &= counts[i] == 2000;
  *fine &= !strcmp(gt_last_error(), text);
  return NULL;
}

static void test_threads(void) {
  for (int threads = 1; threads <= 4; threads++) {
    CHECK_OK(gt_set_threads(threads));
    CHECK(gt_threads() == threads);
    memset(squares, 0, sizeof squares);
    for (int i = 0; i < 20; i++) gt__parallel(TASKS, square, NULL);
    int64_t wrong = 0;
    for (int64_t i = 0; i < TASKS; i++) wrong += squares[i] != 20 * i * i;
    CHECK(wrong == 0);
    memset(squares, 0, sizeof squares);
    gt__parallel(1, nested, NULL);
    CHECK(squares[9] == 81);
    gt__job jobs[30];
    int64_t counts[4] = {0};
    for (int i = 0; i < 30; i++) gt__job_start(&jobs[i], count_up, counts, i);
    gt__parallel(TASKS, square, NULL);
    for (int i = 29; i >= 0; i--) gt__job_wait(&jobs[i]);
    CHECK(counts[0] + counts[1] + counts[2] + counts[3] == 30);
  }
  /* Several callers at once: each gets its own result and its own message. */
  pthread_t threads[3];
  int64_t fine[3] = {1, 1, 1};
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, caller, &fine[i]);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(fine[0] && fine[1] && fine[2]);
  CHECK_FAILS(gt_set_threads(0), GT_EARG, "wanted 1");
}

/* A child of fork has no workers, and perhaps jobs that its parent's were doing; it does everything itself. */
static void slow(void *context, int64_t i) {
  gt__scratch s;
  for (int k = 0; k < 2000; k++) {
    if (gt__scratch_alloc(&s, (size_t)(100 + i)) == GT_OK) gt__scratch_free(&s);
  }
  count_up(context, i);
}

static void test_fork(void) {
  CHECK_OK(gt_set_threads(3));
  for (int round = 0; round < 20; round++) {
    gt__job jobs[16];
    int64_t counts[4] = {0};
    for (int i = 0; i < 16; i++) gt__job_start(&jobs[i], slow, counts, i);
    pid_t child = fork();
    if (child == 0) {
      alarm(20);
      memset(squares, 0, sizeof squares);
      gt__parallel(TASKS, square, NULL);
      for (int i = 0; i < 16; i++) gt__job_wait(&jobs[i]);
      _exit(squares[9] == 81 && counts[0] + counts[1] + counts[2] + counts[3] >= 16 ? 0 : 1);
    }
    for (int i = 0; i < 16; i++) gt__job_wait(&jobs[i]);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
  }
}

/* Rows further apart than BLAS can count. */
static void test_far_rows(void) {
  const int64_t lead = ((int64_t)1 << 31) + 16;
  const size_t bytes = (size_t)(2 * lead) * sizeof(float);
  float *a = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (a == MAP_FAILED) return; /* no room for 16 GB of addresses */
  const float b[6] = {1, 2, 3, 4, 5, 6};
  float c[4] = {0};
  for (int k = 0; k < 3; k++) a[k] = (float)(k + 1), a[lead + k] = (float)(10 * k);
  gt__sgemm(0, 0, 2, 2, 3, 1, a, lead, b, 2, 0, c, 2);
  CHECK(c[0] == 22 && c[1] == 28 && c[2] == 130 && c[3] == 160);
  munmap(a, bytes);
}

static void test_gemm(void) {
  for (int round = 0; round < 60; round++) {
    int64_t m = test_int(1, 40), n = test_int(1, 300), k = test_int(0, 50);
    if (round == 0) m = 300, n = 900, k = 100;
    int ta = test_int(0, 1), tb = test_int(0, 1);
    float *a = malloc((size_t)(m * k + 1) * 4), *b = malloc((size_t)(k * n + 1) * 4), *c = malloc((size_t)(m * n) * 4), *one = malloc((size_t)(m * n) * 4);
    for (int64_t i = 0; i < m * k; i++) a[i] = (float)test_uniform(-1, 1);
    for (int64_t i = 0; i < k * n; i++) b[i] = (float)test_uniform(-1, 1);
    for (int64_t i = 0; i < m * n; i++) c[i] = one[i] = NAN;
    gt_set_threads(2);
    gt__sgemm_parallel(ta, tb, m, n, k, 2, a, ta ? m : k, b, tb ? k : n, 0, c, n);
    gt_set_threads(1);
    gt__sgemm_parallel(ta, tb, m, n, k, 2, a, ta ? m : k, b, tb ? k : n, 0, one, n);
    CHECK(!memcmp(c, one, (size_t)(m * n) * 4));
    double worst = 0;
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t p = 0; p < k; p++) sum += 2.0 * (ta ? a[p * m + i] : a[i * k + p]) * (tb ? b[j * k + p] : b[p * n + j]);
        double error = fabs(sum - c[i * n + j]);
        if (!(error <= worst)) worst = error;
      }
    CHECK_MSG(worst < 1e-4, "%lld x %lld x %lld: off by %g", (long long)m, (long long)n, (long long)k, worst);
    free(a), free(b), free(c), free(one);
  }
}

static void test_random(void) {
  gt_generator g, h;
  CHECK(sizeof g == 5048);
  gt_generator_seed(&g, 123);
  CHECK_NEAR(gt_random_uniform(&g, 0, 1), 0.69646918727084994, 1e-16);
  CHECK_NEAR(gt_random_uniform(&g, 0, 1), 0.71295532141812146, 1e-16);
  h = g;
  for (int i = 0; i < 2000; i++) gt_random_normal(&g, 0, 1);
  for (int i = 0; i < 2000; i++) gt_random_normal(&h, 0, 1);
  CHECK(gt_random_word(&g) == gt_random_word(&h));
  /* Every epoch is a permutation, and any stretch of the sequence is found without the ones before it. */
  for (int64_t size = 1; size < 70; size += 3) {
    int64_t order[140], part[7];
    int seen[70] = {0};
    CHECK_OK(gt_epoch_indices(order, 9, 0, 2 * size, size));
    for (int64_t i = 0; i < 2 * size; i++) seen[order[i]]++;
    int even = 1;
    for (int64_t i = 0; i < size; i++) even &= seen[i] == 2;
    CHECK(even);
    int64_t n = size < 7 ? size : 7;
    CHECK_OK(gt_epoch_indices(part, 9, (double)(size - n / 2), n, size));
    CHECK(!memcmp(part, order + size - n / 2, (size_t)n * sizeof *part));
  }
  CHECK_FAILS(gt_epoch_indices(NULL, 1, 0, 1, 0), GT_EARG, "at least one");
}

int main(void) {
  test_pool();
  test_arena();
  test_views();
  test_threads();
  if (!getenv("EMULATOR")) test_fork(); /* qemu cannot start threads in a child of fork */
  test_gemm();
  test_far_rows();
  test_random();
  return test_report("core");
}
