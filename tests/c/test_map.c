/* test_map.c: files as tensors' memory, also where they get shorter under them. */
#include "test.h"
#include "../../csrc/core/core.h"
#include <signal.h>
#include <unistd.h>

static char dir[64];
static const char *at(const char *name) {
  static char path[4][160];
  static int turn;
  char *p = path[turn++ & 3];
  snprintf(p, sizeof path[0], "%s/%s", dir, name);
  return p;
}

static void write_file(const char *name, const void *bytes, size_t n) {
  FILE *f = fopen(at(name), "wb");
  CHECK(f && fwrite(bytes, 1, n, f) == n);
  if (f) fclose(f);
}

static size_t read_file(const char *name, unsigned char *bytes, size_t room) {
  FILE *f = fopen(at(name), "rb");
  size_t n = f ? fread(bytes, 1, room, f) : 0;
  if (f) fclose(f);
  return n;
}

static void test_map(void) {
  static unsigned char raw[10000];
  for (int i = 0; i < 10000; i++) raw[i] = (unsigned char)(i * 7);
  write_file("raw", raw, sizeof raw);
  gt_tensor *t = gt_tensor_new(GT_BYTE), *f = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_tensor_map(t, at("raw"), 4999, 2, (const int64_t[]){50, 100}));
  CHECK(!memcmp(t->store->ptr, raw + 4999, 5000));
  CHECK_OK(gt_fill(t, 1)); /* stays in memory */
  CHECK(((uint8_t *)t->store->ptr)[4999] == 1);
  CHECK_FAILS(gt_tensor_resize(t, 1, (const int64_t[]){6000}), GT_EARG, "cannot be resized");
  unsigned char again[10000];
  CHECK(read_file("raw", again, sizeof again) == sizeof again && !memcmp(again, raw, sizeof raw));
  CHECK_FAILS(gt_tensor_map(t, at("raw"), 5001, 1, (const int64_t[]){5000}), GT_EFORMAT, "ends after 10000 bytes");
  CHECK_FAILS(gt_tensor_map(t, at("none"), 0, 1, (const int64_t[]){5}), GT_EIO, "no such file");
  CHECK_FAILS(gt_tensor_map(f, at("raw"), 6, 1, (const int64_t[]){5}), GT_EARG, "multiple of 4");
  CHECK_FAILS(gt_tensor_map(t, at("raw"), 0, 1, (const int64_t[]){0}), GT_EARG, "0 elements");
  for (int i = 0; i < 1000; i++) CHECK_OK(gt_tensor_map(t, at("raw"), i, 1, (const int64_t[]){5000}));
  CHECK(((uint8_t *)t->store->ptr)[0] == raw[999]);
  gt_tensor_free(t);
  gt_tensor_free(f);
}

typedef struct { gt_tensor *t; int64_t zeros; } reading;

static void read_page(void *context, int64_t i) {
  reading *r = context;
  const uint8_t *p = (const uint8_t *)r->t->store->ptr + i * 4096;
  int64_t zeros = 0;
  for (int k = 0; k < 4096; k++) zeros += p[k] == 0;
  __atomic_add_fetch(&r->zeros, zeros, __ATOMIC_RELAXED);
}

/* A mapped file that is made shorter in place: an error, on whichever thread, and never a signal. */
static void test_shortened_map(void) {
  enum { PAGES = 64, SIZE = PAGES * 4096 };
  uint8_t *raw = malloc(SIZE);
  memset(raw, 7, SIZE);
  write_file("long", raw, SIZE);
  char path[256];
  snprintf(path, sizeof path, "%s", at("long"));
  struct sigaction was, now;
  CHECK(sigaction(SIGBUS, NULL, &was) == 0);
  gt_tensor *t = gt_tensor_new(GT_BYTE), *other = gt_tensor_new(GT_BYTE), *copy = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_map(t, path, 0, 4, (const int64_t[]){PAGES, 1, 64, 64}));
  CHECK_OK(gt_tensor_map(other, path, 0, 1, (const int64_t[]){4096}));
  gt_load_options o = {.channels = 1, .height = 64, .width = 64, .background = 0, .cache_bytes = 0};
  gt_loader *l = gt_loader_images(&o, t);
  CHECK(l != NULL);
  gt_batch *batch = gt_batch_new(l);
  int64_t indices[PAGES];
  for (int i = 0; i < PAGES; i++) indices[i] = i;
  CHECK_OK(gt_batch_start(batch, indices, NULL, PAGES));
  CHECK_OK(gt_batch_wait(copy, batch));
  CHECK_OK(gt_storage_check(t->store, "test"));

  CHECK(truncate(path, 2 * 4096) == 0);
  CHECK_FAILS(gt_batch_start(batch, indices, NULL, PAGES) || gt_batch_wait(copy, batch), 1, "long was made shorter while it was in use");
  CHECK_FAILS(gt_loader_get(copy, l, 60), GT_EIO, "it has 8192 bytes, wanted 262144");
  CHECK(gt_loader_unreadable(l) == 0);
  CHECK_FAILS(gt_copy(copy, t), GT_EIO, "copy: ");
  CHECK_FAILS(gt_storage_check(t->store, "test"), GT_EIO, "test: ");
  CHECK_OK(gt_storage_check(other->store, "test"));
  /* Whoever reads all the same reads zeros, on several threads at once. */
  reading r = {.t = t};
  gt__parallel(PAGES, read_page, &r);
  CHECK(r.zeros == (PAGES - 2) * 4096);
  /* What it holds now is not the file's, even where the file is long again. */
  CHECK(truncate(path, SIZE) == 0);
  CHECK_FAILS(gt_copy(copy, t), GT_EIO, "could not be read while it was in use");
  gt_batch_free(batch);
  gt_loader_free(l);
  gt_tensor *all[] = {t, other, copy};
  for (int i = 0; i < 3; i++) gt_tensor_free(all[i]);
  CHECK(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == was.sa_sigaction);
  free(raw);
}

int main(void) {
  strcpy(dir, "/tmp/gantry-test-XXXXXX");
  CHECK(mkdtemp(dir) != NULL);
  double before = gt_pool()->live;
  test_map();
  test_shortened_map();
  CHECK_NEAR(gt_pool()->live, before, 0);
  char command[100];
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  CHECK(system(command) == 0);
  return test_report("map");
}
