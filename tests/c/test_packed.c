/* test_packed.c: packed forms of weights: made once a version, in the same memory, which goes after as many uses as there were of other
 * versions; dropped with the storage; private where they are wanted by several threads at once while they have to be made; never more bytes
 * than there is room for. */
#include "../../csrc/core/core.h"
#include "test.h"
#include <pthread.h>

static int filled;

static void fill(void *to, void *context) {
  __atomic_add_fetch(&filled, 1, __ATOMIC_RELAXED);
  const gt_tensor *t = context;
  for (int64_t i = 0; i < gt__numel(t); i++) ((float *)to)[i] = 2 * gt__f(t)[i];
}

static gt__packed *get(gt_tensor *t, uint64_t form) {
  gt__packed *p = NULL;
  CHECK_OK(gt__packed_get(&p, t, form, (size_t)gt__numel(t) * sizeof(float), fill, t));
  return p;
}

static void check_versions(void) {
  gt_tensor *t = test_new(GT_FLOAT, 2, (int64_t[]){3, 5});
  CHECK_OK(gt_fill(t, 1));
  filled = 0;
  gt__packed *p = get(t, 1);
  void *memory = gt__packed_data(p);
  CHECK(((float *)memory)[14] == 2);
  gt__packed_put(p);
  p = get(t, 1);
  CHECK(filled == 1 && gt__packed_data(p) == memory);
  gt__packed_put(p);
  CHECK_OK(gt_fill(t, 3));
  p = get(t, 1);
  CHECK(filled == 2 && gt__packed_data(p) == memory && ((float *)memory)[0] == 6);
  gt__packed *other = get(t, 2);
  CHECK(filled == 3 && gt__packed_data(other) != memory);
  gt__packed_put(other);
  /* It is in use and has to be made anew: a private one, and the first stays as it was. */
  CHECK_OK(gt_fill(t, 4));
  other = get(t, 1);
  CHECK(filled == 4 && other != p && ((float *)gt__packed_data(other))[0] == 8 && ((float *)memory)[0] == 6);
  gt__packed_put(other);
  gt__packed_put(p);
  /* A view of other elements, or of another shape, is another weight. */
  gt_tensor *view = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_narrow(view, t, 0, 1, 2));
  p = get(view, 1);
  CHECK(filled == 5);
  gt__packed_put(p);
  /* Memory that the program writes to directly has no versions. */
  t->store->flags |= GT_EXPOSED;
  for (int i = 0; i < 2; i++) gt__packed_put(get(t, 2));
  CHECK(filled == 7);
  double live = gt_pool()->live;
  gt_tensor_free(view);
  gt_tensor_free(t);
  CHECK(gt_pool()->live < live);
}

static void use(gt_tensor *t, int times) {
  for (int i = 0; i < times; i++) {
    gt__packed *p = get(t, 1);
    CHECK(((float *)gt__packed_data(p))[99] == 2 * gt__f(t)[99]);
    gt__packed_put(p);
  }
}

static void check_uses(void) {
  gt_tensor *t = test_new(GT_FLOAT, 1, (int64_t[]){1000});
  double live = gt_pool()->live;
  for (int uses = 1; uses <= 3; uses++) {  /* more of them: it has to be made once more in the first version, and never after it */
    for (int version = 0; version < 3; version++) {
      CHECK_OK(gt_fill(t, 10 * uses + version));
      filled = 0;
      use(t, uses);
      CHECK(filled == (version == 0 && uses > 1 ? 2 : 1));
    }
    CHECK(gt_pool()->live < live + 4000);   /* what is left is no memory, but what is known of the form */
  }
  CHECK_OK(gt_fill(t, 0));
  filled = 0;
  use(t, 1);
  CHECK(gt_pool()->live >= live + 4000);    /* two more uses are expected */
  for (int version = 0; version < 20; version++) {
    CHECK_OK(gt_fill(t, version));
    use(t, 1);
  }
  CHECK(filled == 21 && gt_pool()->live < live + 4000); /* and no longer */
  gt_tensor_free(t);
}

static void check_storage_ends(void) {
  gt_tensor *warm = test_new(GT_FLOAT, 1, (int64_t[]){1000});
  gt__packed_put(get(warm, 1));
  gt_tensor_free(warm);
  double live = gt_pool()->live;
  gt_tensor *t = test_new(GT_FLOAT, 1, (int64_t[]){1000});
  gt__packed *p = get(t, 1);
  gt_tensor_free(t); /* while it is in use: it goes when it is put back */
  CHECK(((float *)gt__packed_data(p)) != NULL && gt_pool()->live > live);
  gt__packed_put(p);
  CHECK(gt_pool()->live == live);
}

static void check_room(void) {
  enum { COUNT = 12 };
  gt_tensor *t[COUNT];
  for (int i = 0; i < COUNT; i++) {
    t[i] = test_new(GT_FLOAT, 1, (int64_t[]){1 << 20});
    CHECK_OK(gt_fill(t[i], i));
  }
  double live = gt_pool()->live;
  gt_pool_set_limit(live + 60e6); /* a quarter of it for forms, of 4 MB each */
  double room = (live + 60e6) / 4;
  filled = 0;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < COUNT; i++) {
      gt__packed *p = get(t[i], 1);
      CHECK(((float *)gt__packed_data(p))[77] == (float)(2 * i));
      gt__packed_put(p);
      CHECK(gt_pool()->live <= live + room + 1e5);
    }
  }
  CHECK(filled > COUNT); /* the first were let go of before they came round again */
  gt_pool_set_limit(0);
  for (int i = 0; i < COUNT; i++) gt_tensor_free(t[i]);
}

static int wrong;

static void *from_thread(void *context) {
  gt_tensor *t = context;
  for (int i = 0; i < 200; i++) {
    gt__packed *p = NULL;
    int bad = gt__packed_get(&p, t, (uint64_t)(i % 3), (size_t)gt__numel(t) * sizeof(float), fill, t);
    for (int64_t k = 0; !bad && k < gt__numel(t); k++) bad = ((float *)gt__packed_data(p))[k] != 2 * gt__f(t)[k];
    __atomic_add_fetch(&wrong, bad, __ATOMIC_RELAXED);
    gt__packed_put(p);
  }
  return NULL;
}

static void check_threads(void) {
  gt_tensor *t = test_new(GT_FLOAT, 1, (int64_t[]){100});
  pthread_t thread[4];
  for (int round = 0; round < 5; round++) {
    CHECK_OK(gt_fill(t, round));
    for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, from_thread, t);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  }
  CHECK(wrong == 0);
  gt_tensor_free(t);
}

int main(void) {
  check_versions();
  check_uses();
  check_storage_ends();
  check_room();
  check_threads();
  return test_report("packed");
}
