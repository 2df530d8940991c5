/* test_data.c: scenes, codecs against hostile files, resampling, loaders and batches. */
#include "test.h"
#include <png.h>
#include <zlib.h>
#include <jpeglib.h>
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

static int byte_at(const gt_tensor *t, int c, int y, int x) {
  double v = -1;
  gt_get(t, 3, (const int64_t[]){c, y, x}, &v);
  return (int)v;
}

static gt_tensor *bytes_of(int c, int h, int w) {
  gt_tensor *t = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_resize(t, 3, (const int64_t[]){c, h, w}));
  return t;
}

static uint64_t hash_of(const gt_tensor *t) {
  uint64_t hash = 0;
  gt_hash(&hash, t);
  return hash;
}

/* A PNG of any kind that libpng writes; row(y) is given by the bytes of one row, repeated. */
static void write_png(const char *name, int w, int h, int depth, int kind, int interlace, const unsigned char *row,
                      const unsigned char *clear) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  FILE *f = fopen(at(name), "wb");
  static png_color colours[2] = {{255, 0, 0}, {0, 0, 255}};
  png_init_io(png, f);
  png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, depth, kind, interlace, 0, 0);
  if (kind == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, colours, 2);
  if (clear) png_set_tRNS(png, info, (png_bytep)(size_t)clear, 2, NULL);
  png_write_info(png, info);
  png_bytep rows[64];
  for (int y = 0; y < h; y++) rows[y] = (png_bytep)(size_t)row;
  png_write_image(png, rows);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  fclose(f);
}

static void write_cmyk(const char *name, int w, int h) {
  struct jpeg_compress_struct out;
  struct jpeg_error_mgr errors;
  unsigned char *bytes = NULL, row[256];
  unsigned long n = 0;
  out.err = jpeg_std_error(&errors);
  jpeg_create_compress(&out);
  jpeg_mem_dest(&out, &bytes, &n);
  out.image_width = (unsigned)w;
  out.image_height = (unsigned)h;
  out.input_components = 4;
  out.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&out);
  jpeg_set_quality(&out, 100, TRUE);
  jpeg_start_compress(&out, TRUE); /* no Adobe marker is written for plain CMYK by default settings of some versions */
  int inverted = out.write_Adobe_marker;
  for (int x = 0; x < w; x++) {
    unsigned char ink[4] = {0, 255, 255, 0}; /* red */
    for (int c = 0; c < 4; c++) row[4 * x + c] = inverted ? 255 - ink[c] : ink[c];
  }
  for (int y = 0; y < h; y++) {
    JSAMPROW r = row;
    jpeg_write_scanlines(&out, &r, 1);
  }
  jpeg_finish_compress(&out);
  jpeg_destroy_compress(&out);
  write_file(name, bytes, n);
  free(bytes);
}

static void test_scenes(void) {
  gt_tensor *a = gt_tensor_new(GT_BYTE), *b = gt_tensor_new(GT_BYTE);
  for (int kind = 0; kind < GT_SCENES; kind++) {
    static const int sizes[][2] = {{8, 8}, {16, 16}, {64, 64}, {48, 80}, {80, 48}, {512, 16}};
    for (int i = 0; i < 6; i++) {
      CHECK_OK(gt_scene_draw(a, kind, 5, i, 3, sizes[i][0], sizes[i][1]));
      CHECK_OK(gt_scene_draw(b, kind, 5, i, 3, sizes[i][0], sizes[i][1]));
      CHECK(hash_of(a) == hash_of(b));
      CHECK_OK(gt_scene_draw(b, kind, 6, i, 3, sizes[i][0], sizes[i][1]));
      CHECK(hash_of(a) != hash_of(b));
      CHECK(a->shape[1] == sizes[i][0] && a->shape[2] == sizes[i][1]);
    }
    CHECK_OK(gt_scene_draw(a, kind, 1, 0, 1, 32, 32));
    CHECK(a->shape[0] == 1);
    CHECK_OK(gt_scene_draw(a, kind, 1, 0, 4, 32, 32));
    CHECK(byte_at(a, 3, 5, 5) == 255);
  }
  /* The same bits from every compiler: these are what gcc and clang make at any level of optimisation. */
  static const uint64_t golden[] = {UINT64_C(0x45226053b536f58a), UINT64_C(0xa88ac2d534c6f983)};
  for (int kind = 0; kind < GT_SCENES; kind++) {
    uint64_t hash = 0;
    for (int i = 0; i < 40; i++) {
      CHECK_OK(gt_scene_draw(a, kind, 1, i, 3, 64, i & 1 ? 64 : 48));
      gt_hash(&hash, a);
    }
    CHECK_MSG(hash == golden[kind], "kind %d: 0x%llx", kind, (unsigned long long)hash);
  }
  CHECK_FAILS(gt_scene_draw(a, 2, 1, 0, 3, 32, 32), GT_EARG, "kind 2");
  CHECK_FAILS(gt_scene_draw(a, 0, -1, 0, 3, 32, 32), GT_EARG, "seed");
  CHECK_FAILS(gt_scene_draw(a, 0, 1, 0.5, 3, 32, 32), GT_EARG, "index");
  CHECK_FAILS(gt_scene_draw(a, 0, 1, 0, 2, 32, 32), GT_EARG, "2 channels");
  CHECK_FAILS(gt_scene_draw(a, 0, 1, 0, 3, 4, 32), GT_EARG, "sides");
  gt_tensor_free(a);
  gt_tensor_free(b);
}

/* Where a room's things are drawn must agree with the boxes that are reported: what changes when one is left out lies inside
 * its box, up to its blurred shadow and light, and reaches its edges. */
static void test_boxes(void) {
  gt_tensor *with = gt_tensor_new(GT_BYTE), *without = gt_tensor_new(GT_BYTE);
  int seen = 0;
  for (int i = 0; i < 60; i++) {
    gt_room room, bare;
    CHECK_OK(gt_room_at(&room, 3, i, 128, 128));
    const gt_box *box = &room.bed;
    CHECK(box->present == 0 ? box->x1 == 0 : box->x0 >= 0 && box->x0 < box->x1 && box->x1 <= 1 && box->y0 < box->y1 && box->y1 <= 1);
    if (!box->present) continue;
    bare = room;
    bare.bed.present = 0;
    bare.lamp.present = room.lamp.present = 0;
    CHECK_OK(gt_room_draw(with, &room, 3, 128, 128));
    CHECK_OK(gt_room_draw(without, &bare, 3, 128, 128));
    double x0 = 1, x1 = 0, y0 = 1, y1 = 0;
    for (int y = 0; y < 128; y++)
      for (int x = 0; x < 128; x++) {
        int d = 0;
        for (int c = 0; c < 3; c++) d += abs(byte_at(with, c, y, x) - byte_at(without, c, y, x));
        if (d < 60) continue;
        x0 = fmin(x0, x / 128.0), x1 = fmax(x1, (x + 1) / 128.0), y0 = fmin(y0, y / 128.0), y1 = fmax(y1, (y + 1) / 128.0);
      }
    seen++;
    CHECK_MSG(x0 > box->x0 - 0.09 && x1 < box->x1 + 0.09 && y0 > box->y0 - 0.06 && y1 < box->y1 + 0.08,
              "room %d: %g %g %g %g, box %g %g %g %g", i, x0, y0, x1, y1, box->x0, box->y0, box->x1, box->y1);
    CHECK_MSG(x0 < box->x0 + 0.1 && x1 > box->x1 - 0.1 && y0 < box->y0 + 0.1 && y1 > box->y1 - 0.1, "room %d", i);
  }
  CHECK(seen > 20);
  gt_tensor_free(with);
  gt_tensor_free(without);
}

static void test_codecs(void) {
  gt_tensor *a = bytes_of(3, 24, 40), *b = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_scene_draw(a, GT_FACES, 1, 1, 3, 24, 40));
  CHECK_OK(gt_image_save(at("rgb.png"), a, 90));
  CHECK_OK(gt_image_load(b, at("rgb.png"), 0, 0));
  CHECK(hash_of(a) == hash_of(b));
  CHECK_OK(gt_image_save(at("rgb.jpg"), a, 98));
  CHECK_OK(gt_image_load(b, at("rgb.jpg"), 0, 0));
  double apart = 0;
  for (int y = 0; y < 24; y++)
    for (int x = 0; x < 40; x++) apart += abs(byte_at(a, 1, y, x) - byte_at(b, 1, y, x)) / 960.0;
  CHECK_MSG(apart < 6, "%g", apart);
  CHECK_OK(gt_image_load(b, at("rgb.png"), 1, 0));
  CHECK(b->shape[0] == 1 && b->shape[1] == 24 && b->shape[2] == 40);
  CHECK_OK(gt_image_load(b, at("rgb.png"), 4, 0));
  CHECK(b->shape[0] == 4 && byte_at(b, 3, 0, 0) == 255);
  CHECK_FAILS(gt_image_load(b, at("rgb.png"), 2, 0), GT_EARG, "2 channels");
  CHECK_FAILS(gt_image_save(at("rgb.gif"), a, 90), GT_EARG, ".png");
  CHECK_FAILS(gt_image_save(at("none/rgb.png"), a, 90), GT_EIO, "none/rgb.png");

  /* 16-bit gray, palette with alpha, interlaced RGBA, 1-bit, CMYK, 1 x 1. */
  static const unsigned char deep[] = {0x80, 0x80, 0xff, 0xff, 0, 0, 0x10, 0x10};
  write_png("deep.png", 4, 3, 16, PNG_COLOR_TYPE_GRAY, 0, deep, NULL);
  CHECK_OK(gt_image_load(b, at("deep.png"), 0, 0));
  CHECK(b->shape[0] == 1 && byte_at(b, 0, 1, 0) == 128 && byte_at(b, 0, 1, 1) == 255 && byte_at(b, 0, 1, 3) == 16);
  static const unsigned char picks[] = {0, 1, 0, 1}, clear[] = {255, 0};
  write_png("palette.png", 4, 2, 8, PNG_COLOR_TYPE_PALETTE, 0, picks, clear);
  CHECK_OK(gt_image_load(b, at("palette.png"), 3, 0x00ff00));
  CHECK(byte_at(b, 0, 0, 0) == 255 && byte_at(b, 1, 0, 0) == 0 && byte_at(b, 1, 0, 1) == 255 && byte_at(b, 2, 0, 1) == 0);
  CHECK_OK(gt_image_load(b, at("palette.png"), 0, 0));
  CHECK(b->shape[0] == 4 && byte_at(b, 3, 0, 1) == 0 && byte_at(b, 2, 0, 1) == 255);
  static const unsigned char half[] = {200, 100, 0, 128, 200, 100, 0, 128, 1, 2, 3, 255, 9, 9, 9, 0, 0, 0, 0, 255};
  write_png("laced.png", 5, 9, 8, PNG_COLOR_TYPE_RGBA, PNG_INTERLACE_ADAM7, half, NULL);
  CHECK_OK(gt_image_load(b, at("laced.png"), 4, 0));
  for (int x = 0; x < 5; x++)
    for (int c = 0; c < 4; c++) CHECK(byte_at(b, c, 7, x) == half[4 * x + c]);
  CHECK_OK(gt_image_load(b, at("laced.png"), 3, 0xffffff));
  CHECK(byte_at(b, 0, 0, 0) == (200 * 128 + 255 * 127 + 127) / 255 && byte_at(b, 0, 0, 3) == 255);
  static const unsigned char bits[] = {0xa0};
  write_png("bits.png", 4, 2, 1, PNG_COLOR_TYPE_GRAY, 0, bits, NULL);
  CHECK_OK(gt_image_load(b, at("bits.png"), 0, 0));
  CHECK(byte_at(b, 0, 1, 0) == 255 && byte_at(b, 0, 1, 1) == 0 && byte_at(b, 0, 1, 2) == 255);
  write_png("one.png", 1, 1, 8, PNG_COLOR_TYPE_GRAY, 0, deep, NULL);
  CHECK_OK(gt_image_load(b, at("one.png"), 3, 0));
  CHECK(byte_at(b, 2, 0, 0) == 128);
  write_cmyk("cmyk.jpg", 16, 8);
  CHECK_OK(gt_image_load(b, at("cmyk.jpg"), 0, 0));
  CHECK(b->shape[0] == 3 && byte_at(b, 0, 4, 4) > 245 && byte_at(b, 1, 4, 4) < 10);

  /* An Exif orientation of 6 turns the picture clockwise. */
  static unsigned char whole[1 << 16], turned[1 << 16];
  static const unsigned char exif[] = {0xff, 0xe1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                       0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   6,   0, 0,  0, 0, 0, 0};
  size_t n = read_file("rgb.jpg", whole, sizeof whole);
  memcpy(turned, whole, 2);
  memcpy(turned + 2, exif, sizeof exif);
  memcpy(turned + 2 + sizeof exif, whole + 2, n - 2);
  write_file("exif.jpg", turned, n + sizeof exif);
  CHECK_OK(gt_image_load(a, at("rgb.jpg"), 0, 0));
  CHECK_OK(gt_image_load(b, at("exif.jpg"), 0, 0));
  CHECK(b->shape[1] == 40 && b->shape[2] == 24);
  for (int y = 0; y < 40; y += 3)
    for (int x = 0; x < 24; x++) CHECK(byte_at(b, 0, y, x) == byte_at(a, 0, 23 - x, y));

  /* Every way of being cut short, and damaged bytes: an error that names the file, or a picture, never more. */
  static const char *const names[] = {"rgb.png", "rgb.jpg", "laced.png", "palette.png", "exif.jpg"};
  for (int f = 0; f < 5; f++) {
    n = read_file(names[f], whole, sizeof whole);
    for (size_t cut = 0; cut + 16 < n; cut += cut < 200 ? 1 : 37) {
      write_file("cut.png", whole, cut);
      int code = gt_image_load(b, at("cut.png"), 3, 0);
      CHECK_MSG(code == GT_EFORMAT && strstr(gt_last_error(), "cut.png: "), "%s cut at %zu: %d", names[f], cut, code);
    }
    for (int round = 0; round < 300; round++) {
      memcpy(turned, whole, n);
      for (int k = 0; k < 3; k++) turned[8 + test_word() % (n - 8)] = (unsigned char)test_word();
      write_file("bad.png", turned, n);
      int code = gt_image_load(b, at("bad.png"), 3, 0);
      CHECK(code == GT_OK || (code == GT_EFORMAT && strstr(gt_last_error(), "bad.png: ")));
    }
  }
  write_file("text.png", "this is not a picture\n", 22);
  CHECK_FAILS(gt_image_load(b, at("text.png"), 3, 0), GT_EFORMAT, "text.png: neither a PNG nor a JPEG");
  CHECK_FAILS(gt_image_load(b, at("missing.png"), 3, 0), GT_EIO, "missing.png");
  CHECK_FAILS(gt_image_load(b, dir, 3, 0), GT_EIO, dir);
  /* A header that claims 60000 x 60000 pixels. */
  n = read_file("rgb.png", whole, sizeof whole);
  png_save_uint_32(whole + 16, 60000);
  png_save_uint_32(whole + 20, 60000);
  png_save_uint_32(whole + 29, (png_uint_32)crc32(crc32(0, NULL, 0), whole + 12, 17));
  write_file("huge.png", whole, n);
  CHECK_FAILS(gt_image_load(b, at("huge.png"), 3, 0), GT_EFORMAT, "huge.png");
  gt_tensor_free(a);
  gt_tensor_free(b);
}

static void test_scale(void) {
  static const char *const filters[] = {"simple", "bilinear", "bicubic", "lanczos"};
  gt_tensor *a = gt_tensor_new(GT_FLOAT), *r = gt_tensor_new(GT_FLOAT), *b = bytes_of(3, 7, 9), *rb = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_resize(a, 3, (const int64_t[]){2, 7, 9}));
  CHECK_OK(gt_fill(a, 0.25));
  CHECK_OK(gt_fill(b, 77));
  for (int k = 0; k < 4; k++)
    for (int size = 1; size < 40; size += 6) {
      CHECK_OK(gt_image_scale(r, a, size, 2 * size, filters[k]));
      CHECK_OK(gt_image_scale(rb, b, size, 2 * size, filters[k]));
      CHECK(r->shape[1] == size && r->shape[2] == 2 * size);
      double lo, hi;
      CHECK_OK(gt_reduce_all(gt_reduce_code("min"), &lo, r, 0));
      CHECK_OK(gt_reduce_all(gt_reduce_code("max"), &hi, r, 0));
      CHECK_NEAR(lo, 0.25, 1e-6);
      CHECK_NEAR(hi, 0.25, 1e-6);
      CHECK(byte_at(rb, 2, size - 1, 0) == 77);
    }
  /* Halving averages: the mean stays; a fine checkerboard becomes gray. */
  CHECK_OK(gt_tensor_resize(a, 2, (const int64_t[]){16, 16}));
  for (int i = 0; i < 256; i++) ((float *)a->store->ptr)[i] = (float)((i + i / 16) & 1);
  CHECK_OK(gt_image_scale(r, a, 8, 8, "bilinear"));
  for (int i = 9; i < 55; i++)
    if (i % 8 != 0 && i % 8 != 7) CHECK_NEAR(((float *)r->store->ptr)[i], 0.5, 1e-6);
  CHECK_FAILS(gt_image_scale(r, a, 8, 8, "cubic"), GT_EARG, "'cubic'");
  CHECK_FAILS(gt_image_scale(r, a, 0, 8, "bilinear"), GT_EARG, "0 x 8");
  gt_tensor *tensors[] = {a, r, b, rb};
  for (int i = 0; i < 4; i++) gt_tensor_free(tensors[i]);
}

static void test_loader(void) {
  gt_load_options o = {.channels = 3, .height = 20, .width = 32, .cache_bytes = -1, .flip = 1, .augment_seed = 4};
  char paths[2048];
  size_t used = 0;
  static const char *const names[] = {"rgb.png",   "text.png", "deep.png", "broken.png", "palette.png",
                                      "laced.png", "one.png",  "cmyk.jpg", "missing.png"};
  static unsigned char whole[1 << 16];
  write_file("broken.png", whole, read_file("rgb.png", whole, sizeof whole) / 2);
  for (int i = 0; i < 9; i++) used += (size_t)snprintf(paths + used, sizeof paths - used, "%s", at(names[i])) + 1;
  gt_loader *l = gt_loader_files(&o, paths, 9);
  CHECK(l && gt_loader_size(l) == 7 && gt_loader_unreadable(l) == 2);
  if (!l) return;
  CHECK(strstr(gt_loader_reason(l, 0), "text.png") && strstr(gt_loader_reason(l, 1), "missing.png"));
  CHECK(gt_loader_origin(l, 1) == 2);
  gt_tensor *a = gt_tensor_new(GT_FLOAT), *b = gt_tensor_new(GT_DOUBLE), *one = gt_tensor_new(GT_BYTE);
  gt_batch *batch = gt_batch_new(l), *other = gt_batch_new(l);
  int64_t indices[32], positions[32];
  for (int i = 0; i < 32; i++) indices[i] = (i * 5) % 7, positions[i] = i;
  CHECK_OK(gt_batch_start(batch, indices, positions, 32));
  CHECK_OK(gt_batch_start(other, indices, NULL, 32));
  CHECK_FAILS(gt_batch_start(other, indices, NULL, 32), GT_EARG, "twice");
  CHECK_OK(gt_batch_wait(a, batch));
  CHECK_FAILS(gt_batch_wait(a, batch), GT_EARG, "no batch");
  CHECK_OK(gt_batch_wait(b, other));
  CHECK(a->rank == 4 && a->shape[0] == 32 && a->shape[1] == 3 && a->shape[2] == 20 && a->shape[3] == 32);
  CHECK(gt_loader_unreadable(l) == 3 && strstr(gt_loader_reason(l, 2), "broken.png"));
  CHECK_FAILS(gt_loader_get(one, l, 2), GT_EFORMAT, "broken.png");
  CHECK_FAILS(gt_loader_get(one, l, 7), GT_EARG, "outside 1..7");
  CHECK(gt_loader_cached(l) == 6 * 3 * 20 * 32);
  /* The unreadable picture's place is taken by the next one; mirrored or as it is. */
  int mirrored = 0;
  const float *fa = a->store->ptr;
  const double *fb = b->store->ptr;
  for (int i = 0; i < 32; i++) {
    CHECK_OK(gt_loader_get(one, l, (double)(indices[i] == 2 ? 3 : indices[i])));
    int same = 1, swapped = 1;
    for (int y = 0; y < 60; y++)
      for (int x = 0; x < 32; x++) {
        double v = ((uint8_t *)one->store->ptr)[y * 32 + x] / 127.5 - 1;
        CHECK_NEAR(fb[(i * 60 + y) * 32 + x], v, 1e-12);
        same &= fabs(fa[(i * 60 + y) * 32 + x] - v) < 1e-6;
        swapped &= fabs(fa[(i * 60 + y) * 32 + 31 - x] - v) < 1e-6;
      }
    CHECK(same || swapped);
    mirrored += swapped && !same;
  }
  CHECK(mirrored > 3 && mirrored < 29);
  /* The same at another number of threads and without keeping anything. */
  uint64_t first = hash_of(a);
  o.cache_bytes = 0;
  gt_loader *again = gt_loader_files(&o, paths, 9);
  gt_batch *third = gt_batch_new(again);
  CHECK_OK(gt_set_threads(3));
  CHECK_OK(gt_batch_start(third, indices, positions, 32));
  CHECK_OK(gt_batch_wait(a, third));
  CHECK(hash_of(a) == first && gt_loader_cached(again) == 0);
  /* Freed in any order, and while jobs run. */
  CHECK_OK(gt_batch_start(third, indices, positions, 32));
  CHECK_OK(gt_batch_start(batch, indices, positions, 32));
  gt_loader_free(again);
  gt_loader_free(l);
  gt_batch_free(third);
  gt_batch_free(batch);
  gt_batch_free(other);

  CHECK(gt_loader_files(&o, at("text.png"), 1) == NULL && strstr(gt_last_error(), "text.png"));
  l = gt_loader_files(&o, at("broken.png"), 1);
  batch = gt_batch_new(l);
  CHECK_OK(gt_batch_start(batch, (const int64_t[]){0, 0, 0}, NULL, 3));
  CHECK_FAILS(gt_batch_wait(a, batch), GT_EFORMAT, "broken.png");
  CHECK_FAILS(gt_batch_start(batch, (const int64_t[]){1}, NULL, 1), GT_EARG, "outside 1..1");
  gt_batch_free(batch);
  gt_loader_free(l);

  /* Bytes in memory, padded; scenes. */
  gt_tensor *images = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_resize(images, 4, (const int64_t[]){5, 1, 28, 28}));
  CHECK_OK(gt_fill(images, 200));
  o = (gt_load_options){.channels = 1, .height = 32, .width = 32, .fit = GT_PAD, .cache_bytes = -1};
  l = gt_loader_images(&o, images);
  CHECK_OK(gt_loader_get(one, l, 4));
  CHECK(byte_at(one, 0, 1, 16) == 0 && byte_at(one, 0, 2, 2) == 200 && byte_at(one, 0, 29, 29) == 200 && byte_at(one, 0, 30, 16) == 0);
  gt_tensor_free(images);
  CHECK_OK(gt_loader_get(one, l, 3));
  gt_loader_free(l);
  o = (gt_load_options){.channels = 3, .height = 24, .width = 24, .cache_bytes = 1e5};
  l = gt_loader_scenes(&o, GT_FACES, 9, 100);
  batch = gt_batch_new(l);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 32; i++) indices[i] = 3 * i;
    CHECK_OK(gt_batch_start(batch, indices, NULL, 32));
    CHECK_OK(gt_batch_wait(a, batch));
    if (round) CHECK(hash_of(a) == first);
    first = hash_of(a);
  }
  CHECK(gt_loader_cached(l) > 0 && gt_loader_cached(l) <= 1e5);
  gt_batch_free(batch);
  gt_loader_free(l);
  gt_tensor *tensors[] = {a, b, one};
  for (int i = 0; i < 3; i++) gt_tensor_free(tensors[i]);
}

static void test_idx(void) {
  static const unsigned char good[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
  unsigned char bad[sizeof good];
  gt_tensor *t = gt_tensor_new(GT_BYTE);
  write_file("good.idx", good, sizeof good);
  CHECK_OK(gt_idx_read(t, at("good.idx")));
  CHECK(t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3 && ((uint8_t *)t->store->ptr)[5] == 6);
  write_file("cut.idx", good, sizeof good - 1);
  CHECK_FAILS(gt_idx_read(t, at("cut.idx")), GT_EFORMAT, "5 of 6");
  memcpy(bad, good, sizeof good);
  bad[4] = 0x7f;
  write_file("huge.idx", bad, sizeof bad);
  CHECK_FAILS(gt_idx_read(t, at("huge.idx")), GT_EFORMAT, "promises");
  CHECK_FAILS(gt_idx_read(t, at("text.png")), GT_EFORMAT, "not an idx file");
  CHECK_FAILS(gt_idx_read(t, at("none.idx")), GT_EIO, "none.idx");
  gt_tensor_free(t);
}

/* Tensors of other types and layouts; parts and sizes chosen by position; batches of bytes. */
static void test_layouts(void) {
  gt_tensor *bytes = gt_tensor_new(GT_BYTE), *view = gt_tensor_new(GT_BYTE), *floats = gt_tensor_new(GT_FLOAT);
  gt_tensor *one = gt_tensor_new(GT_BYTE), *other = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_resize(bytes, 4, (const int64_t[]){4, 6, 8, 3}));
  uint8_t *p = bytes->store->ptr;
  for (int i = 0; i < 4 * 6 * 8 * 3; i++) p[i] = (uint8_t)(i * 37);
  CHECK_OK(gt_permute(view, bytes, 4, (const int[]){0, 3, 1, 2}));
  gt_load_options o = {.channels = 3, .height = 6, .width = 8, .cache_bytes = -1};
  gt_loader *l = gt_loader_images(&o, view);
  CHECK_OK(gt_loader_get(one, l, 2));
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 6; y++)
      for (int x = 0; x < 8; x++) CHECK(byte_at(one, c, y, x) == p[((2 * 6 + y) * 8 + x) * 3 + c]);
  gt_loader_free(l);
  /* The same as floats from -1 to 1; what is outside is cut off, and what is no number is black. */
  CHECK_OK(gt_tensor_resize(floats, 4, (const int64_t[]){4, 6, 8, 3}));
  float *f = floats->store->ptr;
  for (int i = 0; i < 4 * 6 * 8 * 3; i++) f[i] = (float)(p[i] / 127.5 - 1);
  f[0] = 7;
  f[3] = -7;
  f[6] = NAN;
  gt_tensor *turned = gt_tensor_new(GT_FLOAT);
  CHECK_OK(gt_permute(turned, floats, 4, (const int[]){0, 3, 1, 2}));
  CHECK(gt_loader_images(&o, turned) == NULL && strstr(gt_last_error(), "range"));
  o.lo = -1;
  o.hi = 1;
  l = gt_loader_images(&o, turned);
  CHECK_OK(gt_loader_get(other, l, 2));
  CHECK(hash_of(one) == hash_of(other));
  CHECK_OK(gt_loader_get(other, l, 0));
  CHECK(byte_at(other, 0, 0, 0) == 255 && byte_at(other, 0, 0, 1) == 0 && byte_at(other, 0, 0, 2) == 0);
  gt_loader_free(l);

  /* crop alone shows whole pixels of a larger picture; with scale the part differs in size; both by position alone. */
  gt_tensor *ramp = gt_tensor_new(GT_BYTE), *a = gt_tensor_new(GT_BYTE), *b = gt_tensor_new(GT_BYTE);
  CHECK_OK(gt_tensor_resize(ramp, 4, (const int64_t[]){1, 1, 24, 30}));
  for (int i = 0; i < 24 * 30; i++) ((uint8_t *)ramp->store->ptr)[i] = (uint8_t)((i / 30) * 9 + i % 30);
  o = (gt_load_options){.channels = 1, .height = 20, .width = 25, .crop = 0.2, .augment_seed = 3, .cache_bytes = -1};
  int64_t zeros[64] = {0}, positions[64];
  for (int i = 0; i < 64; i++) positions[i] = i + 1000;
  for (int round = 0; round < 2; round++) {
    l = gt_loader_images(&o, ramp);
    gt_batch *batch = gt_batch_new(l);
    CHECK_OK(gt_batch_start(batch, zeros, positions, 64));
    CHECK_OK(gt_batch_wait(a, batch));
    CHECK(a->dtype == GT_BYTE && a->shape[0] == 64 && a->shape[2] == 20 && a->shape[3] == 25);
    unsigned seen_y = 0, seen_x = 0;
    const uint8_t *v = a->store->ptr;
    for (int i = 0; i < 64; i++, v += 500) {
      if (round) {
        CHECK(v[499] > v[0] && v[0] < 90);
        seen_y |= 1u << (v[499] - v[0]) % 31;
        continue;
      }
      int from_y = v[0] / 9, from_x = v[0] % 9;
      CHECK(from_y >= 0 && from_y <= 4 && from_x >= 0 && from_x <= 5);
      for (int k = 0; k < 500; k++) CHECK(v[k] == v[0] + (k / 25) * 9 + k % 25);
      seen_y |= 1u << from_y;
      seen_x |= 1u << from_x;
    }
    CHECK(round ? (seen_y & (seen_y - 1)) != 0 : seen_y == 31 && seen_x == 63);
    /* One at a time, from the same positions. */
    CHECK_OK(gt_batch_start(batch, zeros, positions + 10, 1));
    CHECK_OK(gt_batch_wait(b, batch));
    CHECK(!memcmp(b->store->ptr, (uint8_t *)a->store->ptr + 5000, 500));
    /* As it is: all of the picture. */
    CHECK_OK(gt_loader_get(b, l, 0));
    CHECK(byte_at(b, 0, 0, 0) < 12 && byte_at(b, 0, 19, 24) > 224);
    gt_batch_free(batch);
    gt_loader_free(l);
    o.scale = 0.3;
  }
  o.crop = 1.5;
  CHECK(gt_loader_images(&o, ramp) == NULL && strstr(gt_last_error(), "crop 1.5"));
  gt_tensor *all[] = {bytes, view, floats, one, other, turned, ramp, a, b};
  for (int i = 0; i < 9; i++) gt_tensor_free(all[i]);
}

static void test_look(void) {
  static const char *const names[] = {"rgb.png", "text.png", "deep.png", "cmyk.jpg", "laced.png", "rgb.png"};
  char paths[1024];
  size_t used = 0;
  gt_picture p[6];
  for (int i = 0; i < 6; i++) used += (size_t)snprintf(paths + used, sizeof paths - used, "%s", at(names[i])) + 1;
  CHECK_OK(gt_pictures_look(p, paths, 6));
  CHECK(p[0].code == 0 && p[0].format == 1 && p[0].channels == 3 && p[0].depth == 8 && p[0].height > 0);
  CHECK(p[1].code == GT_EFORMAT && strstr(p[1].reason, "text.png: neither"));
  CHECK(p[2].depth == 16 && p[2].channels == 1 && p[2].width == 4 && p[2].height == 3);
  CHECK(p[3].format == 2 && (p[3].flags & GT_CMYK) && p[3].width == 16 && p[3].height == 8);
  CHECK(p[4].flags & GT_LACED);
  CHECK(p[5].content[0] == p[0].content[0] && p[5].content[1] == p[0].content[1] && p[2].content[0] != p[0].content[0]);
  CHECK_FAILS(gt_pictures_look(p, paths, 0), GT_EARG, "at least 1");
}

int main(void) {
  strcpy(dir, "/tmp/gantry-test-XXXXXX");
  CHECK(mkdtemp(dir) != NULL);
  test_scenes();
  test_boxes();
  double before = gt_pool()->live;
  test_codecs();
  test_scale();
  test_loader();
  test_look();
  test_layouts();
  test_idx();
  CHECK_NEAR(gt_pool()->live, before, 0);
  char command[100];
  snprintf(command, sizeof command, "rm -r '%s'", dir);
  CHECK(system(command) == 0);
  return test_report("data");
}
