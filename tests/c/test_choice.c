/* test_choice.c: the table of which way computes a convolution: entries set, removed, read from files, refused; and what it decides. */
#include "../../csrc/ops/conv.h"
#include "test.h"
#include <unistd.h>

static const gt_conv_case base = {GT_CONV_FORWARD, GT_FLOAT, 32, 24, 16, 16, 32, 4, 4, {2, 2, 1, 1, 1, 1, 1, GT_FLOAT32}};

static int way_named(const char *name) {
  for (int way = 0; gt_conv_way_name(way); way++)
    if (!strcmp(gt_conv_way_name(way), name)) return way;
  return -1;
}

static int load(const char *text) {
  char path[] = "/tmp/gantry-choices-XXXXXX";
  FILE *file = fdopen(mkstemp(path), "w");
  fputs(text, file);
  fclose(file);
  int code = gt_choices_load(path);
  unlink(path);
  return code;
}

static void entries(void) {
  int taps = way_named("taps"), unrolling = way_named("unrolling"), few = way_named("few");
  gt_conv_case c = base;
  CHECK(taps >= 0 && unrolling >= 0 && few >= 0 && way_named("none") == -1);
  CHECK(gt_conv_can(&c, taps) && gt_conv_can(&c, unrolling) && !gt_conv_can(&c, few) && !gt_conv_can(&c, 999));
  int ruled = gt_conv_way(&c);
  CHECK(gt_choices_count() == 0 && gt_choices_hash() == 0);
  CHECK_OK(gt_choices_set(&c, unrolling));
  CHECK(gt_conv_way(&c) == unrolling && gt_choices_count() == 1);
  uint64_t one = gt_choices_hash();
  CHECK(one != 0);
  for (int i = 0; i < 40; i++) { /* many, in a mixed order */
    gt_conv_case other = base;
    other.n = 1 + i * 37 % 40 + (i * 37 % 40 + 1 >= base.n);
    other.pass = i % 3;
    CHECK_OK(gt_choices_set(&other, i % 2 ? taps : unrolling));
    CHECK(gt_conv_way(&other) == (i % 2 ? taps : unrolling));
  }
  CHECK(gt_choices_count() == 41 && gt_conv_way(&c) == unrolling);
  gt_conv_case other = base;
  for (int n = 1; n <= 42; n++) {
    for (other.pass = 0; other.pass < 3; other.pass++) {
      other.n = n;
      if (n != base.n) CHECK_OK(gt_choices_set(&other, -1));
    }
  }
  CHECK(gt_choices_count() == 1 && gt_choices_hash() == one);
  CHECK_OK(gt_choices_set(&c, taps));
  CHECK(gt_choices_hash() != one);
  CHECK_OK(gt_choices_set(&c, -1));
  CHECK(gt_choices_count() == 0 && gt_conv_way(&c) == ruled);

  CHECK_FAILS(gt_choices_set(&c, few), GT_EARG, "few cannot compute");
  CHECK_FAILS(gt_choices_set(&c, 999), GT_EARG, "an unknown way");
  c.shape.groups = 2;
  CHECK_FAILS(gt_choices_set(&c, taps), GT_EARG, "taps cannot compute");
  c = base, c.h = 1;
  CHECK_FAILS(gt_choices_set(&c, taps), GT_ESHAPE, "has no result");
  CHECK(gt_conv_way(&c) == -1);
  c = base, c.shape.stride_w = 0;
  CHECK_FAILS(gt_choices_set(&c, taps), GT_EARG, "stride");
  c = base, c.pass = 3;
  CHECK_FAILS(gt_choices_set(&c, taps), GT_EARG, "pass");
  CHECK(gt_conv_way(&c) == -1 && !gt_conv_can(&c, taps));
}

static void files(void) {
  char text[600], level[16];
  snprintf(level, sizeof level, "%s", gt_cpu_level());
  const char *other = strcmp(level, "generic") ? "generic" : "avx2";
  snprintf(text, sizeof text, "# a comment\n\n%s float32 forward 32 24 16x16 32 4x4 2x2 1x1 unrolling # faster\n"
           "  %s float32 input 32 24 16x16 32 4x4 2x2 1x1   taps\n%s float32 weight 32 24 16x16 32 4x4 2x2 1x1 taps", level, level, other);
  CHECK_OK(load(text));
  gt_conv_case c = base;
  CHECK(gt_choices_count() == 2 && gt_conv_way(&c) == way_named("unrolling")); /* that of another level is left out */
  c.dtype = GT_DOUBLE;
  gt_choices_clear();
  int ruled = gt_conv_way(&c);
  snprintf(text, sizeof text, "%s double forward 32 24 16x16 32 4x4 2x2 1x1 unrolling\n", level);
  CHECK_OK(load(text));
  CHECK(gt_conv_way(&c) == way_named("unrolling") && ruled != way_named("unrolling"));
  gt_choices_clear();
  CHECK(gt_choices_count() == 0);

  static const struct { const char *line, *reason; } bad[] = {
    {"avx9 float32 forward 1 1 8x8 1 4x4 2x2 1x1 taps", "the level is 'avx9'"},
    {"generic float16 forward 1 1 8x8 1 4x4 2x2 1x1 taps", "the precision is 'float16'"},
    {"generic float32 backward 1 1 8x8 1 4x4 2x2 1x1 taps", "the pass is 'backward'"},
    {"generic float32 forward 1 1 8x8 1 4x4 2x2 1x1 magic", "no way called 'magic'"},
    {"generic float32 forward 1 1 8 1 4x4 2x2 1x1 taps", "got '8', wanted two numbers"},
    {"generic float32 forward 1x1 1 8x8 1 4x4 2x2 1x1 taps", "got '1x1', wanted a number"},
    {"generic float32 forward 1 1 8x8 1 4x4 2x2 1x1", "got 10 words"},
    {"generic float32 forward 1 1 8x8 1 4x4 2x2 1x1 taps taps", "got 12 words"},
    {"generic float32 forward 1 1 2x2 1 4x4 2x2 0x0 taps", "has no result"},
    {"generic float32 forward 1 1 8x8 1 4x4 0x2 1x1 taps", "stride"},
    {"generic float32 forward 99999999999999999 1 8x8 1 4x4 2x2 1x1 taps", ""},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    snprintf(text, sizeof text, "# first\n%s\n", bad[i].line);
    CHECK_FAILS(load(text), GT_EFORMAT, bad[i].reason);
    CHECK_MSG(strstr(gt_last_error(), ":2: "), "%s", gt_last_error());
  }
  snprintf(text, sizeof text, "%s float32 forward 32 24 16x16 32 4x4 2x2 1x1 taps\n%s float32 forward 32 24 16x16 32 4x4 2x2 1x1 few\n", level, level);
  CHECK_FAILS(load(text), GT_EFORMAT, "few cannot compute");
  CHECK(gt_choices_count() == 0); /* nothing of a bad file */
  memset(text, 'x', sizeof text - 2), text[sizeof text - 2] = '\n', text[sizeof text - 1] = 0;
  CHECK_FAILS(load(text), GT_EFORMAT, ":1: the line is too long");
  text[0] = '#';
  CHECK_OK(load(text));
  CHECK_FAILS(gt_choices_load("/no/such/table"), GT_EIO, "cannot be opened");
  CHECK_FAILS(gt_choices_load("/tmp"), GT_EIO, "cannot be read");
}

/* Whatever a table says, the numbers are those of the convolution. */
static void results(void) {
  for (int pass = 0; pass < 3; pass++) {
    gt_conv_case c = base;
    c.pass = pass;
    gt_tensor *x = gt_tensor_new(GT_FLOAT), *w = gt_tensor_new(GT_FLOAT), *y = gt_tensor_new(GT_FLOAT), *r = gt_tensor_new(GT_FLOAT);
    CHECK_OK(gt_tensor_resize_inner(x, (int64_t[]){c.n, c.c, c.h, c.w}));
    CHECK_OK(gt_tensor_resize_inner(y, (int64_t[]){c.n, c.o, c.h / 2, c.w / 2}));
    CHECK_OK(gt_tensor_resize(w, 4, (int64_t[]){c.o, c.c, c.kh, c.kw}));
    for (gt_tensor **t = (gt_tensor *[]){x, w, y, NULL}; *t; t++)
      for (int64_t i = 0; i < gt__numel(*t); i++) gt__f(*t)[i] = (float)test_uniform(-1, 1);
    double first = 0;
    int tried = 0;
    for (int way = 0; gt_conv_way_name(way); way++) {
      if (!gt_conv_can(&c, way)) continue;
      CHECK_OK(gt_choices_set(&c, way));
      CHECK_OK(pass == 0 ? gt_conv(r, x, w, &c.shape) : pass == 1 ? gt_conv_input(r, y, w, &c.shape, c.h, c.w)
               : gt_conv_weight(r, x, y, &c.shape, c.kh, c.kw, 0, 1));
      double norm;
      CHECK_OK(gt_reduce_all(gt_reduce_code("norm"), &norm, r, 2));
      if (!tried++) first = norm;
      CHECK_NEAR(norm / first, 1, 1e-4);
    }
    CHECK(tried >= 3);
    gt_tensor_free(x), gt_tensor_free(w), gt_tensor_free(y), gt_tensor_free(r);
    gt_choices_clear();
  }
  CHECK(gt_peak_flops(0.01) > 1e6);
}

int main(void) {
  entries();
  files();
  results();
  return test_report("choice");
}
