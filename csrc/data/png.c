/* png.c: PNG through libpng: reading to 8-bit gray, gray with alpha, RGB or RGBA, and writing. libpng leaves by longjmp on
 * errors; what must survive that lives in a struct of the function below the one that called setjmp. */
#include "image.h"
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  jmp_buf jump;
  png_structp png;
  png_infop info;
  const char *name;
  char message[120];
  int code;
  const uint8_t *from, *end; /* reading */
  gt__image *image;
  uint8_t *bytes; /* writing */
  size_t used, room;
  gt__scratch row;
} state;

static void on_error(png_structp png, png_const_charp text) {
  state *s = png_get_error_ptr(png);
  strncpy(s->message, text, sizeof s->message - 1);
  longjmp(s->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void take(png_structp png, png_bytep into, size_t n) {
  state *s = png_get_io_ptr(png);
  if ((size_t)(s->end - s->from) < n) png_error(png, "the file ends too early");
  memcpy(into, s->from, n);
  s->from += n;
}

static int give_up(state *s, const char *what) {
  if (s->code) return s->code;
  return gt__fail(GT_EFORMAT, "%s: %s PNG: %s", s->name, what, s->message);
}

static int decode(state *s, size_t n) {
  if (setjmp(s->jump)) return give_up(s, "broken");
  png_set_read_fn(s->png, s, take);
  png_set_user_limits(s->png, GT__MAX_SIDE, GT__MAX_SIDE);
  png_set_chunk_malloc_max(s->png, 8u << 20);
  png_read_info(s->png, s->info);
  png_uint_32 w = png_get_image_width(s->png, s->info), h = png_get_image_height(s->png, s->info);
  /* A deflate stream holds at most 1032 bytes per byte: a small file that claims to be huge is refused unread. */
  if ((double)h * (double)png_get_rowbytes(s->png, s->info) > (double)n * 1032 + 65536) png_error(s->png, "the file ends too early");
  s->image->depth = png_get_bit_depth(s->png, s->info);
  if (png_get_color_type(s->png, s->info) == PNG_COLOR_TYPE_PALETTE) s->image->flags |= GT_PALETTE;
  if (png_get_interlace_type(s->png, s->info) != PNG_INTERLACE_NONE) s->image->flags |= GT_LACED;
  png_set_expand(s->png); /* palettes, 1 to 4 bits, transparent colours */
  png_set_scale_16(s->png);
  int passes = png_set_interlace_handling(s->png);
  png_read_update_info(s->png, s->info);
  int channels = png_get_channels(s->png, s->info);
  s->code = gt__image_alloc(s->image, s->name, channels, h, w);
  if (s->code) return s->code;
  size_t row = (size_t)w * (size_t)channels;
  if (png_get_rowbytes(s->png, s->info) != row) png_error(s->png, "an unknown kind of pixel");
  if (passes > 1) memset(gt__pixels(s->image), 0, row * h);
  for (int pass = 0; pass < passes; pass++)
    for (png_uint_32 y = 0; y < h; y++) png_read_row(s->png, gt__pixels(s->image) + row * y, NULL);
  return GT_OK;
}

int gt__png_decode(gt__image *image, const uint8_t *bytes, size_t n, const char *name) {
  state s = {.name = name, .from = bytes, .end = bytes + n, .image = image};
  s.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
  if (s.png) s.info = png_create_info_struct(s.png);
  int code = s.info ? decode(&s, n) : gt__fail(GT_ENOMEM, "%s: no memory to decode it", name);
  png_destroy_read_struct(&s.png, &s.info, NULL);
  if (code) gt__image_free(image);
  return code;
}

static void put(png_structp png, png_bytep from, size_t n) {
  state *s = png_get_io_ptr(png);
  if (s->used + n > s->room) {
    size_t room = (s->used + n) * 2;
    uint8_t *more = realloc(s->bytes, room);
    if (!more) png_error(png, "out of memory");
    s->bytes = more;
    s->room = room;
  }
  memcpy(s->bytes + s->used, from, n);
  s->used += n;
}

static void flush(png_structp png) { (void)png; }

static int encode(state *s, const uint8_t *planes, int channels, int h, int w) {
  static const int kinds[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  if (setjmp(s->jump)) return give_up(s, "cannot be written as a");
  png_set_write_fn(s->png, s, put, flush);
  png_set_IHDR(s->png, s->info, (png_uint_32)w, (png_uint_32)h, 8, kinds[channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(s->png, s->info);
  size_t plane = (size_t)h * w;
  uint8_t *row = s->row.ptr;
  for (int y = 0; y < h; y++) {
    for (int c = 0; c < channels; c++)
      for (int x = 0; x < w; x++) row[(size_t)x * channels + c] = planes[plane * c + (size_t)y * w + x];
    png_write_row(s->png, row);
  }
  png_write_end(s->png, s->info);
  return GT_OK;
}

int gt__png_encode(void **bytes, size_t *n, const uint8_t *planes, int channels, int h, int w, const char *name) {
  state s = {.name = name};
  GT_TRY(gt__scratch_alloc(&s.row, (size_t)w * channels));
  s.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
  if (s.png) s.info = png_create_info_struct(s.png);
  int code = s.info ? encode(&s, planes, channels, h, w) : gt__fail(GT_ENOMEM, "%s: no memory to encode it", name);
  png_destroy_write_struct(&s.png, &s.info);
  gt__scratch_free(&s.row);
  if (code) {
    free(s.bytes);
    return code;
  }
  *bytes = s.bytes;
  *n = s.used;
  return GT_OK;
}
