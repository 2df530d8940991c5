/* apng.c: animated PNG. libpng writes each frame as a picture of its own; the frames' compressed data is put into one file with
 * the three chunks that the extension adds (PNG specification, third edition, section 11.3.4.2): acTL, fcTL, fdAT. */
#include "image.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

typedef struct {
  uint8_t *bytes;
  size_t used, room;
} buffer;

static int reserve(buffer *b, size_t n, const char *path) {
  if (b->room - b->used >= n) return GT_OK;
  size_t room = (b->used + n) * 2;
  uint8_t *more = realloc(b->bytes, room);
  if (!more) return gt__fail(GT_ENOMEM, "%s: no memory for its frames", path);
  b->bytes = more;
  b->room = room;
  return GT_OK;
}

static void put32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* A chunk whose data is `head` followed by `data`. */
static int chunk(buffer *b, const char *type, const uint8_t *head, size_t head_bytes, const uint8_t *data, size_t bytes, const char *path) {
  size_t n = head_bytes + bytes;
  GT_TRY(reserve(b, n + 12, path));
  uint8_t *p = b->bytes + b->used;
  put32(p, (uint32_t)n);
  memcpy(p + 4, type, 4);
  if (head_bytes) memcpy(p + 8, head, head_bytes);
  if (bytes) memcpy(p + 8 + head_bytes, data, bytes);
  put32(p + 8 + n, (uint32_t)crc32(crc32(0, NULL, 0), p + 4, (uInt)(n + 4)));
  b->used += n + 12;
  return GT_OK;
}

static int frame_control(buffer *b, uint32_t sequence, int h, int w, int milliseconds, const char *path) {
  uint8_t c[26] = {0};
  put32(c, sequence);
  put32(c + 4, (uint32_t)w);
  put32(c + 8, (uint32_t)h);
  c[20] = (uint8_t)(milliseconds >> 8);
  c[21] = (uint8_t)milliseconds;
  c[22] = 1000 >> 8;
  c[23] = 1000 & 255;
  return chunk(b, "fcTL", c, sizeof c, NULL, 0, path);
}

/* Takes a frame's chunks out of its own PNG. The first frame brings the header along and stays IDAT: what knows no animation
 * shows it. */
static int add_frame(buffer *b, uint32_t *sequence, const uint8_t *png, size_t n, int frame, int frames, int h, int w, int milliseconds,
                     const char *path) {
  bool begun = false;
  if (frame == 0) {
    GT_TRY(reserve(b, 8, path));
    memcpy(b->bytes, png, 8);
    b->used = 8;
  }
  for (size_t at = 8; at + 12 <= n;) {
    size_t bytes = get32(png + at);
    const uint8_t *type = png + at + 4, *data = png + at + 8;
    if (frame == 0 && !memcmp(type, "IHDR", 4)) {
      uint8_t animation[8] = {0};
      put32(animation, (uint32_t)frames);
      GT_TRY(chunk(b, "IHDR", NULL, 0, data, bytes, path));
      GT_TRY(chunk(b, "acTL", animation, sizeof animation, NULL, 0, path));
    } else if (!memcmp(type, "IDAT", 4)) {
      if (!begun) GT_TRY(frame_control(b, (*sequence)++, h, w, milliseconds, path));
      begun = true;
      uint8_t number[4];
      if (frame > 0) put32(number, (*sequence)++);
      GT_TRY(chunk(b, frame ? "fdAT" : "IDAT", number, frame ? 4 : 0, data, bytes, path));
    }
    at += bytes + 12;
  }
  return GT_OK;
}

int gt_image_save_animation(const char *path, const gt_tensor *a, int milliseconds) {
  gt__shape_text text;
  const char *dot = strrchr(path, '.');
  if (!dot || (strcasecmp(dot, ".png") && strcasecmp(dot, ".apng")))
    return gt__fail(GT_EARG, "%s: an animation's name ends in .png or .apng", path);
  GT_TRY(gt__usable(a, "animation"));
  if (a->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "animation: a %sTensor, wanted a ByteTensor", gt__dtype_name(a->dtype));
  if (a->rank != 4 || a->shape[0] < 1 || a->shape[1] < 1 || a->shape[1] > 4 || a->shape[2] < 1 || a->shape[3] < 1 ||
      a->shape[0] > 1 << 20 || a->shape[2] > GT__MAX_SIDE || a->shape[3] > GT__MAX_SIDE)
    return gt__fail(GT_ESHAPE, "animation: a tensor of %s, wanted frames x 1 to 4 x H x W with sides up to %d", gt__shape(&text, a), GT__MAX_SIDE);
  if (milliseconds < 1 || milliseconds > 65535) return gt__fail(GT_EARG, "animation: %d ms for a frame, wanted 1 to 65535", milliseconds);
  int frames = (int)a->shape[0], channels = (int)a->shape[1], h = (int)a->shape[2], w = (int)a->shape[3];
  const gt_tensor *in;
  gt_tensor tmp;
  GT_TRY(gt__contiguous(&in, &tmp, a));
  buffer b = {0};
  uint32_t sequence = 0;
  int code = GT_OK;
  for (int f = 0; f < frames && !code; f++) {
    void *png = NULL;
    size_t n = 0;
    code = gt__png_encode(&png, &n, (const uint8_t *)gt__data(in) + (size_t)f * channels * h * w, channels, h, w, path);
    if (!code) code = add_frame(&b, &sequence, png, n, f, frames, h, w, milliseconds, path);
    free(png);
  }
  if (!code) code = chunk(&b, "IEND", NULL, 0, NULL, 0, path);
  gt__reset(&tmp);
  if (!code) {
    const void *part = b.bytes;
    double size = (double)b.used;
    code = gt_file_replace(path, 1, &part, &size);
  }
  free(b.bytes);
  return code;
}
