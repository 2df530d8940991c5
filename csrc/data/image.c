/* image.c: pictures in memory and in files: reading either format, channels, the tensors that hold them, saving. */
#include "image.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int gt__image_alloc(gt__image *image, const char *name, int channels, double h, double w) {
  if (h < 1 || w < 1 || h > GT__MAX_SIDE || w > GT__MAX_SIDE || h * w > GT__MAX_PIXELS)
    return gt__fail(GT_EFORMAT, "%s: %.0f x %.0f pixels; wanted at most %d to a side and %d in all", name, h, w, GT__MAX_SIDE,
                    GT__MAX_PIXELS);
  GT_TRY(gt__scratch_alloc(&image->memory, (size_t)h * (size_t)w * (size_t)channels));
  image->channels = channels;
  image->h = (int)h;
  image->w = (int)w;
  return GT_OK;
}

void gt__image_free(gt__image *image) { gt__scratch_free(&image->memory); }

int gt__image_format(const uint8_t *bytes, size_t n) {
  if (n >= 8 && !memcmp(bytes, "\x89PNG\r\n\x1a\n", 8)) return GT__PNG;
  if (n >= 3 && !memcmp(bytes, "\xff\xd8\xff", 3)) return GT__JPEG;
  return GT__NOT_AN_IMAGE;
}

static int unknown_format(const char *path, double size) {
  if (size == 0) return gt__fail(GT_EFORMAT, "%s: the file is empty", path);
  return gt__fail(GT_EFORMAT, "%s: neither a PNG nor a JPEG file", path);
}

int gt__image_probe(const char *path) {
  uint8_t head[8] = {0};
  double size = gt_file_size(path);
  if (size < 0) return gt__fail(GT_EIO, "%s: there is no such file, or it is not a regular one", path);
  size_t n = size < 8 ? (size_t)size : 8;
  if (n) GT_TRY(gt_file_read(head, path, 0, (double)n));
  return gt__image_format(head, n) == GT__NOT_AN_IMAGE ? unknown_format(path, size) : GT_OK;
}

int gt__image_read(gt__image *image, const char *path, int want) {
  gt__scratch file;
  double size = gt_file_size(path);
  *image = (gt__image){.channels = 0};
  if (size < 0) return gt__fail(GT_EIO, "%s: there is no such file, or it is not a regular one", path);
  if (size > 1e9) return gt__fail(GT_EFORMAT, "%s: %.1f GB, too large for a picture", path, size / 1e9);
  GT_TRY(gt__scratch_alloc(&file, (size_t)size));
  int code = size > 0 ? gt_file_read(file.ptr, path, 0, size) : GT_OK;
  if (!code) {
    image->format = gt__image_format(file.ptr, (size_t)size);
    switch (image->format) {
    case GT__PNG: code = gt__png_decode(image, file.ptr, (size_t)size, path); break;
    case GT__JPEG: code = gt__jpeg_decode(image, file.ptr, (size_t)size, path, want); break;
    default: code = unknown_format(path, size);
    }
  }
  gt__scratch_free(&file);
  return code;
}

void gt__ground(uint8_t *ground, unsigned background, int channels) {
  unsigned r = background >> 16 & 255, g = background >> 8 & 255, b = background & 255;
  if (channels == 1) ground[0] = gt__luma(r, g, b);
  else {
    ground[0] = (uint8_t)r;
    ground[1] = (uint8_t)g;
    ground[2] = (uint8_t)b;
    if (channels == 4) ground[3] = 0;
  }
}

void gt__image_planes(uint8_t *out, const gt__image *image, int channels, unsigned background) {
  const size_t n = (size_t)image->h * (size_t)image->w;
  const int k = image->channels;
  const bool gray = k < 3, alpha = k == 2 || k == 4;
  uint8_t ground[3];
  gt__ground(ground, background, 3);
  const uint8_t *p = gt__pixels(image);
  for (size_t i = 0; i < n; i++, p += k) {
    unsigned v[3] = {p[0], gray ? p[0] : p[1], gray ? p[0] : p[2]}, a = alpha ? p[k - 1] : 255;
    if (alpha && channels != 4)
      for (int c = 0; c < 3; c++) v[c] = (v[c] * a + ground[c] * (255 - a) + 127) / 255;
    if (channels == 1) out[i] = gt__luma(v[0], v[1], v[2]);
    else
      for (int c = 0; c < 3; c++) out[n * (size_t)c + i] = (uint8_t)v[c];
    if (channels == 4) out[n * 3 + i] = (uint8_t)a;
  }
}

/* ---- entry points ------------------------------------------------------------------------------------------------ */

int gt_image_load(gt_tensor *r, const char *path, int channels, double background) {
  gt__image image;
  gt_tensor *out, tmp;
  if (channels != 0 && channels != 1 && channels != 3 && channels != 4)
    return gt__fail(GT_EARG, "image.load: %d channels, wanted 1, 3 or 4, or 0 for what the file has", channels);
  if (r->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "image.load: a %sTensor to load into, wanted a ByteTensor", gt__dtype_name(r->dtype));
  GT_TRY(gt__image_read(&image, path, 0));
  if (channels == 0) channels = image.channels == 2 ? 4 : image.channels;
  int code = gt__result(&out, &tmp, r, 3, (const int64_t[]){channels, image.h, image.w}, false);
  if (!code) {
    gt__image_planes(gt__data(out), &image, channels, (unsigned)background);
    code = gt__commit(r, &tmp, out);
  }
  gt__image_free(&image);
  return code;
}

int gt_image_check(const char *path) {
  gt__image image;
  int code = gt__image_read(&image, path, 0);
  if (!code) gt__image_free(&image);
  return code;
}

int gt_image_save(const char *path, const gt_tensor *a, int quality) {
  gt__shape_text text;
  const char *dot = strrchr(path, '.');
  bool png = dot && !strcasecmp(dot, ".png"), jpeg = dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
  if (!png && !jpeg) return gt__fail(GT_EARG, "%s: an image's name ends in .png, .jpg or .jpeg", path);
  GT_TRY(gt__usable(a, "image.save"));
  if (a->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "image.save: a %sTensor, wanted a ByteTensor", gt__dtype_name(a->dtype));
  int64_t channels = a->rank == 2 ? 1 : a->shape[0], h = a->rank == 2 ? a->shape[0] : a->shape[1],
          w = a->rank == 2 ? a->shape[1] : a->shape[2];
  if ((a->rank != 2 && a->rank != 3) || channels < 1 || channels > 4 || h < 1 || w < 1 || h > GT__MAX_SIDE || w > GT__MAX_SIDE)
    return gt__fail(GT_ESHAPE, "image.save: a tensor of %s, wanted H x W or 1 to 4 x H x W with sides up to %d", gt__shape(&text, a),
                    GT__MAX_SIDE);
  if (jpeg && channels != 1 && channels != 3)
    return gt__fail(GT_ESHAPE, "%s: a JPEG holds 1 or 3 channels, got %d; save a PNG", path, (int)channels);
  if (quality < 1 || quality > 100) return gt__fail(GT_EARG, "image.save: quality %d, wanted 1 to 100", quality);
  const gt_tensor *in;
  gt_tensor tmp;
  void *bytes = NULL;
  size_t n = 0;
  GT_TRY(gt__contiguous(&in, &tmp, a));
  int code = png ? gt__png_encode(&bytes, &n, gt__data(in), (int)channels, (int)h, (int)w, path)
                 : gt__jpeg_encode(&bytes, &n, gt__data(in), (int)channels, (int)h, (int)w, quality, path);
  gt__reset(&tmp);
  if (code) return code;
  const void *part = bytes;
  double size = (double)n;
  code = gt_file_replace(path, 1, &part, &size);
  free(bytes);
  return code;
}

int gt_image_quantize(gt_tensor *r, const gt_tensor *a, double lo, double hi) {
  const gt_tensor *in;
  gt_tensor *out, tmp, back;
  GT_TRY(gt__want_real(a, "quantize"));
  if (r->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "quantize: a %sTensor for the result, wanted a ByteTensor", gt__dtype_name(r->dtype));
  if (!(hi > lo)) return gt__fail(GT_EARG, "quantize: a range from %g to %g", lo, hi);
  GT_TRY(gt__contiguous(&in, &tmp, a));
  int code = gt__result(&out, &back, r, a->rank, a->shape, false);
  if (!code) {
    uint8_t *to = gt__data(out);
    int64_t n = gt__numel(in);
    double scale = 255 / (hi - lo);
    if (in->dtype == GT_FLOAT)
      for (int64_t i = 0; i < n; i++) to[i] = gt__quantum(gt__f(in)[i], scale, lo);
    else
      for (int64_t i = 0; i < n; i++) to[i] = gt__quantum(gt__d(in)[i], scale, lo);
    code = gt__commit(r, &back, out);
  }
  gt__reset(&tmp);
  return code;
}

void gt__byte_table(double *table, double lo, double hi) {
  for (int v = 0; v < 256; v++) table[v] = lo + (hi - lo) * v / 255;
}

int gt_image_dequantize(gt_tensor *r, const gt_tensor *a, double lo, double hi) {
  const gt_tensor *in;
  gt_tensor *out, tmp, back;
  GT_TRY(gt__want_real(r, "dequantize"));
  GT_TRY(gt__usable(a, "dequantize"));
  if (a->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "dequantize: got a %sTensor, wanted a ByteTensor", gt__dtype_name(a->dtype));
  GT_TRY(gt__contiguous(&in, &tmp, a));
  int code = gt__result(&out, &back, r, a->rank, a->shape, false);
  if (!code) {
    const uint8_t *from = gt__data(in);
    int64_t n = gt__numel(in);
    double table[256];
    gt__byte_table(table, lo, hi);
    if (out->dtype == GT_FLOAT)
      for (int64_t i = 0; i < n; i++) gt__f(out)[i] = (float)table[from[i]];
    else
      for (int64_t i = 0; i < n; i++) gt__d(out)[i] = table[from[i]];
    code = gt__commit(r, &back, out);
  }
  gt__reset(&tmp);
  return code;
}
