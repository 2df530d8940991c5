/* jpeg.c: JPEG through libjpeg-turbo: reading to 8-bit gray or RGB the right way up, and writing. libjpeg leaves by longjmp
 * on errors; what must survive that lives in a struct of the function below the one that called setjmp. */
#include "image.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct {
  struct jpeg_error_mgr errors; /* first: libjpeg hands its address back */
  jmp_buf jump;
  struct jpeg_decompress_struct in;
  struct jpeg_compress_struct out;
  const char *name;
  char message[JMSG_LENGTH_MAX];
  gt__image *image;
  gt__scratch row;
  unsigned char *bytes;
  unsigned long used;
} state;

static void on_error(j_common_ptr info) {
  state *s = (state *)info->err;
  info->err->format_message(info, s->message);
  longjmp(s->jump, 1);
}

/* libjpeg fills what is missing with gray and only warns; a file with holes is a broken file here. */
static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
  case JWRN_JPEG_EOF:
  case JWRN_HIT_MARKER:
  case JWRN_HUFF_BAD_CODE:
  case JWRN_MUST_RESYNC:
  case JWRN_NOT_SEQUENTIAL: on_error(info); break;
  default: break;
  }
}

static void silent(j_common_ptr info) { (void)info; }

static void prepare(state *s, const char *name) {
  s->name = name;
  jpeg_std_error(&s->errors);
  s->errors.error_exit = on_error;
  s->errors.emit_message = on_message;
  s->errors.output_message = silent;
}

/* The Exif orientation, 1..8; 1 where none is given. */
static int orientation(j_decompress_ptr in) {
  for (jpeg_saved_marker_ptr m = in->marker_list; m; m = m->next) {
    const uint8_t *d = m->data;
    size_t n = m->data_length;
    if (m->marker != JPEG_APP0 + 1 || n < 14 || memcmp(d, "Exif\0\0", 6)) continue;
    d += 6;
    n -= 6;
    bool little = d[0] == 'I';
#define SHORT_AT(p) (little ? (unsigned)(d[p] | d[(p) + 1] << 8) : (unsigned)(d[p] << 8 | d[(p) + 1]))
    size_t at = little ? SHORT_AT(4) | (size_t)SHORT_AT(6) << 16 : (size_t)SHORT_AT(4) << 16 | SHORT_AT(6);
    if (at > n || n - at < 2) continue;
    unsigned entries = SHORT_AT(at);
    for (size_t e = at + 2; entries-- && e + 12 <= n; e += 12)
      if (SHORT_AT(e) == 0x0112) {
        unsigned value = SHORT_AT(e + 8);
        return value >= 1 && value <= 8 ? (int)value : 1;
      }
#undef SHORT_AT
  }
  return 1;
}

/* Turns a decoded picture the right way up. */
static int upright(gt__image *image, int turn, const char *name) {
  if (turn == 1) return GT_OK;
  gt__image to = {.channels = 0};
  int c = image->channels, h = image->h, w = image->w;
  GT_TRY(turn > 4 ? gt__image_alloc(&to, name, c, w, h) : gt__image_alloc(&to, name, c, h, w));
  for (int y = 0; y < to.h; y++)
    for (int x = 0; x < to.w; x++) {
      int sy = turn > 4 ? x : y, sx = turn > 4 ? y : x;
      if (turn == 3 || turn == 4 || turn == 6 || turn == 7) sy = h - 1 - sy;
      if (turn == 2 || turn == 3 || turn == 7 || turn == 8) sx = w - 1 - sx;
      memcpy(gt__pixels(&to) + ((size_t)y * to.w + x) * c, gt__pixels(image) + ((size_t)sy * w + sx) * c, (size_t)c);
    }
  gt__image_free(image);
  to.depth = image->depth;
  to.flags = image->flags | GT_TURNED;
  to.format = image->format;
  *image = to;
  return GT_OK;
}

/* CMYK to RGB; Adobe's files hold the inverted values. */
static void from_cmyk(uint8_t *rgb, const uint8_t *cmyk, int n, bool inverted) {
  for (int i = 0; i < n; i++) {
    unsigned k = inverted ? cmyk[4 * i + 3] : 255u - cmyk[4 * i + 3];
    for (int c = 0; c < 3; c++) {
      unsigned v = inverted ? cmyk[4 * i + c] : 255u - cmyk[4 * i + c];
      rgb[3 * i + c] = (uint8_t)((v * k + 127) / 255);
    }
  }
}

static int decode(state *s, const uint8_t *bytes, size_t n, int want) {
  j_decompress_ptr in = &s->in;
  if (setjmp(s->jump)) return gt__fail(GT_EFORMAT, "%s: broken JPEG: %s", s->name, s->message);
  jpeg_create_decompress(in);
  jpeg_save_markers(in, JPEG_APP0 + 1, 0xffff);
  jpeg_mem_src(in, bytes, (unsigned long)n);
  jpeg_read_header(in, TRUE);
  if ((double)in->image_width * in->image_height > GT__MAX_PIXELS)
    return gt__image_alloc(s->image, s->name, 3, in->image_height, in->image_width);
  bool cmyk = in->jpeg_color_space == JCS_CMYK || in->jpeg_color_space == JCS_YCCK;
  in->out_color_space = cmyk ? JCS_CMYK : in->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  unsigned shorter = in->image_width < in->image_height ? in->image_width : in->image_height;
  in->scale_denom = 8;
  in->scale_num = 8;
  if (want > 0)
    while (in->scale_num > 1 && (double)shorter * (in->scale_num / 2) / 8 >= 2.0 * want) in->scale_num /= 2;
  int turn = orientation(in);
  s->image->depth = in->data_precision;
  s->image->flags = (cmyk ? GT_CMYK : 0) | (in->progressive_mode ? GT_LACED : 0);
  jpeg_start_decompress(in);
  int w = (int)in->output_width, h = (int)in->output_height, channels = in->out_color_space == JCS_GRAYSCALE ? 1 : 3;
  GT_TRY(gt__image_alloc(s->image, s->name, channels, h, w));
  if (cmyk) GT_TRY(gt__scratch_alloc(&s->row, (size_t)w * 4));
  while (in->output_scanline < in->output_height) {
    uint8_t *row = gt__pixels(s->image) + (size_t)in->output_scanline * w * channels;
    JSAMPROW target = cmyk ? (JSAMPROW)s->row.ptr : row;
    jpeg_read_scanlines(in, &target, 1);
    if (cmyk) from_cmyk(row, s->row.ptr, w, in->saw_Adobe_marker);
  }
  jpeg_finish_decompress(in);
  return upright(s->image, turn, s->name);
}

int gt__jpeg_decode(gt__image *image, const uint8_t *bytes, size_t n, const char *name, int want) {
  state s = {.image = image};
  prepare(&s, name);
  s.in.err = &s.errors;
  int code = decode(&s, bytes, n, want);
  jpeg_destroy_decompress(&s.in);
  gt__scratch_free(&s.row);
  if (code) gt__image_free(image);
  return code;
}

static int encode(state *s, const uint8_t *planes, int channels, int h, int w, int quality) {
  j_compress_ptr out = &s->out;
  if (setjmp(s->jump)) return gt__fail(GT_EFORMAT, "%s: cannot be written as a JPEG: %s", s->name, s->message);
  jpeg_create_compress(out);
  jpeg_mem_dest(out, &s->bytes, &s->used);
  out->image_width = (JDIMENSION)w;
  out->image_height = (JDIMENSION)h;
  out->input_components = channels;
  out->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(out);
  jpeg_set_quality(out, quality, TRUE);
  jpeg_start_compress(out, TRUE);
  size_t plane = (size_t)h * w;
  uint8_t *row = s->row.ptr;
  for (int y = 0; y < h; y++) {
    for (int c = 0; c < channels; c++)
      for (int x = 0; x < w; x++) row[(size_t)x * channels + c] = planes[plane * c + (size_t)y * w + x];
    JSAMPROW target = row;
    jpeg_write_scanlines(out, &target, 1);
  }
  jpeg_finish_compress(out);
  return GT_OK;
}

int gt__jpeg_encode(void **bytes, size_t *n, const uint8_t *planes, int channels, int h, int w, int quality, const char *name) {
  state s = {.bytes = NULL};
  GT_TRY(gt__scratch_alloc(&s.row, (size_t)w * channels));
  prepare(&s, name);
  s.out.err = &s.errors;
  int code = encode(&s, planes, channels, h, w, quality);
  jpeg_destroy_compress(&s.out);
  gt__scratch_free(&s.row);
  if (code) {
    free(s.bytes);
    return code;
  }
  *bytes = s.bytes;
  *n = s.used;
  return GT_OK;
}
