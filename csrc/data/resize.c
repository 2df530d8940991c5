/* resize.c: resampling: separable filters that widen where a picture shrinks, so that nothing aliases; fitting a picture of
 * any size into the size that is wanted; scaling of tensors. */
#include "image.h"
#include <math.h>
#include <string.h>

#define real float
#define NAME(n) n##_float
#include "resize.inl"
#undef real
#undef NAME
#define real double
#define NAME(n) n##_double
#include "resize.inl"
#undef real
#undef NAME

static const double reach[] = {0.5, 1, 2, 3};

static double kernel(int kind, double x) {
  const double pi = 3.14159265358979323846;
  x = fabs(x);
  switch (kind) {
  case GT__BILINEAR: return x < 1 ? 1 - x : 0;
  case GT__BICUBIC: /* Keys 1981, a = -1/2 */ return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  default: return x == 0 ? 1 : x < 3 ? 3 * sin(pi * x) * sin(pi * x / 3) / (pi * pi * x * x) : 0;
  }
}

int gt__filter_make(gt__filter *f, int kind, int n, double from, double length, int size) {
  const double step = length / n, wide = step > 1 && kind != GT__NEAREST ? step : 1, radius = reach[kind] * wide;
  int most = (int)ceil(2 * radius) + 2;
  if (most > size) most = size;
  size_t weights = (size_t)n * (size_t)most * sizeof(double);
  GT_TRY(gt__scratch_alloc(&f->memory, weights + (size_t)n * 2 * sizeof(int)));
  f->n = n;
  f->most = most;
  f->weight = f->memory.ptr;
  f->first = (int *)((char *)f->memory.ptr + weights);
  f->count = f->first + n;
  for (int i = 0; i < n; i++) {
    double centre = from + (i + 0.5) * step, sum = 0, *weight = f->weight + (size_t)i * (size_t)most;
    if (kind == GT__NEAREST) {
      int at = (int)floor(centre);
      f->first[i] = at < 0 ? 0 : at > size - 1 ? size - 1 : at;
      f->count[i] = 1;
      weight[0] = 1;
      continue;
    }
    int lo = (int)floor(centre - radius), hi = (int)ceil(centre + radius);
    if (lo < 0) lo = 0;
    if (hi > size) hi = size;
    if (hi - lo > most) hi = lo + most;
    f->first[i] = lo;
    f->count[i] = hi - lo;
    for (int k = 0; k < hi - lo; k++) sum += weight[k] = kernel(kind, (lo + k + 0.5 - centre) / wide);
    for (int k = 0; k < hi - lo; k++) weight[k] /= sum;
  }
  return GT_OK;
}

void gt__filter_free(gt__filter *f) { gt__scratch_free(&f->memory); }

static inline uint8_t byte_of(float v) { return v > 0 ? v < 255 ? (uint8_t)(v + 0.5f) : 255 : 0; }

/* Resamples planes of bytes; only the input rows that the vertical filter reads are looked at. */
static int resample(uint8_t *out, const uint8_t *in, int ih, int iw, int channels, size_t out_plane, size_t out_row, const gt__filter *fy,
                    const gt__filter *fx) {
  int base = ih, end = 0;
  for (int i = 0; i < fy->n; i++) {
    if (fy->first[i] < base) base = fy->first[i];
    if (fy->first[i] + fy->count[i] > end) end = fy->first[i] + fy->count[i];
  }
  const size_t w = (size_t)fx->n, used = (size_t)(end - base), iplane = (size_t)ih * (size_t)iw;
  gt__scratch room;
  /* With alpha, colours are carried multiplied by it: four planes of resampled rows side by side. */
  GT_TRY(gt__scratch_alloc(&room, (used * w * (channels == 4 ? 2 : 1) + (size_t)iw + 2 * w) * sizeof(float)));
  float *rows = room.ptr, *shade = rows + used * w, *row = shade + (channels == 4 ? used * w : 0), *line = row + iw, *veil = line + w;
  const uint8_t *alpha = channels == 4 ? in + 3 * iplane : NULL;
  if (alpha)
    for (size_t y = 0; y < used; y++) {
      for (int x = 0; x < iw; x++) row[x] = alpha[((size_t)base + y) * (size_t)iw + (size_t)x];
      across_float(shade + y * w, row, fx);
    }
  for (int c = 0; c < channels; c++) {
    for (size_t y = 0; y < used && c < 3; y++) {
      const size_t at = ((size_t)base + y) * (size_t)iw;
      const uint8_t *from = in + iplane * (size_t)c + at;
      if (alpha)
        for (int x = 0; x < iw; x++) row[x] = (float)from[x] * (float)alpha[at + (size_t)x];
      else
        for (int x = 0; x < iw; x++) row[x] = from[x];
      across_float(rows + y * w, row, fx);
    }
    for (int i = 0; i < fy->n; i++) {
      uint8_t *to = out + out_plane * (size_t)c + out_row * (size_t)i;
      if (alpha) down_float(veil, shade, fx->n, fy, i, base);
      if (c < 3) down_float(line, rows, fx->n, fy, i, base);
      for (size_t x = 0; x < w; x++)
        to[x] = c == 3 ? byte_of(veil[x]) : alpha ? byte_of(veil[x] > 0.5f ? line[x] / veil[x] : 0) : byte_of(line[x]);
    }
  }
  gt__scratch_free(&room);
  return GT_OK;
}

int gt__resize_bytes(uint8_t *out, int h, int w, const uint8_t *in, int ih, int iw, int channels, int fit, int kind,
                     const uint8_t *ground) {
  double ratio_y = (double)ih / h, ratio_x = (double)iw / w, from_y = 0, from_x = 0, length_y = ih, length_x = iw;
  int oh = h, ow = w, top = 0, left = 0;
  const size_t plane = (size_t)h * (size_t)w;
  if (ih == h && iw == w) {
    memcpy(out, in, plane * (size_t)channels);
    return GT_OK;
  }
  if (fit == GT_CROP) {
    double ratio = ratio_y < ratio_x ? ratio_y : ratio_x;
    length_y = ratio * h;
    length_x = ratio * w;
    from_y = (ih - length_y) / 2;
    from_x = (iw - length_x) / 2;
  } else if (fit == GT_PAD) {
    double ratio = ratio_y > ratio_x ? ratio_y : ratio_x;
    if (ratio < 1) ratio = 1;
    oh = (int)(ih / ratio + 0.5);
    ow = (int)(iw / ratio + 0.5);
    oh = oh < 1 ? 1 : oh > h ? h : oh;
    ow = ow < 1 ? 1 : ow > w ? w : ow;
    top = (h - oh) / 2;
    left = (w - ow) / 2;
    for (int c = 0; c < channels; c++) memset(out + plane * (size_t)c, ground[c], plane);
  }
  gt__filter fy, fx;
  GT_TRY(gt__filter_make(&fy, kind, oh, from_y, length_y, ih));
  int code = gt__filter_make(&fx, kind, ow, from_x, length_x, iw);
  if (!code) {
    code = resample(out + (size_t)top * (size_t)w + (size_t)left, in, ih, iw, channels, plane, (size_t)w, &fy, &fx);
    gt__filter_free(&fx);
  }
  gt__filter_free(&fy);
  return code;
}

int gt__resize_part(uint8_t *out, int h, int w, const uint8_t *in, int ih, int iw, int channels, double from_y, double from_x,
                    double length_y, double length_x) {
  gt__filter fy, fx;
  GT_TRY(gt__filter_make(&fy, GT__BILINEAR, h, from_y, length_y, ih));
  int code = gt__filter_make(&fx, GT__BILINEAR, w, from_x, length_x, iw);
  if (!code) {
    code = resample(out, in, ih, iw, channels, (size_t)h * (size_t)w, (size_t)w, &fy, &fx);
    gt__filter_free(&fx);
  }
  gt__filter_free(&fy);
  return code;
}

/* ---- tensors ------------------------------------------------------------------------------------------------------- */

typedef struct {
  const gt__filter *fy, *fx;
  const gt_tensor *in;
  gt_tensor *out;
  int h, w;
} planes;

static int scale_planes(const planes *p, int64_t count) {
  const size_t in = (size_t)p->h * (size_t)p->w, out = (size_t)p->fy->n * (size_t)p->fx->n, size = gt_dtype_size(p->in->dtype);
  gt__scratch rows;
  GT_TRY(gt__scratch_alloc(&rows, (size_t)p->h * (size_t)p->fx->n * size));
  int code = GT_OK;
  for (int64_t i = 0; i < count && !code; i++) {
    const size_t from = in * (size_t)i, to = out * (size_t)i;
    if (p->in->dtype == GT_FLOAT) plane_float(gt__f(p->out) + to, gt__f(p->in) + from, p->h, p->w, p->fy, p->fx, rows.ptr);
    else if (p->in->dtype == GT_DOUBLE) plane_double(gt__d(p->out) + to, gt__d(p->in) + from, p->h, p->w, p->fy, p->fx, rows.ptr);
    else
      code = resample((uint8_t *)gt__data(p->out) + to, (const uint8_t *)gt__data(p->in) + from, p->h, p->w, 1, out, (size_t)p->fx->n,
                      p->fy, p->fx);
  }
  gt__scratch_free(&rows);
  return code;
}

int gt_image_scale(gt_tensor *r, const gt_tensor *a, int h, int w, const char *filter) {
  static const char *const names[] = {"simple", "bilinear", "bicubic", "lanczos"};
  int kind = 0;
  gt__shape_text text;
  while (kind < 4 && strcmp(names[kind], filter)) kind++;
  if (kind == 4) return gt__fail(GT_EARG, "scale: filter '%.40s', wanted simple, bilinear, bicubic or lanczos", filter);
  GT_TRY(gt__want_same_type(r, a, "scale"));
  if (a->dtype != GT_BYTE) GT_TRY(gt__want_real(a, "scale"));
  if (a->rank < 2 || a->rank > 4 || gt__numel(a) == 0)
    return gt__fail(GT_ESHAPE, "scale: a tensor of %s, wanted H x W, C x H x W or N x C x H x W", gt__shape(&text, a));
  int64_t ih = a->shape[a->rank - 2], iw = a->shape[a->rank - 1], shape[4] = {0};
  if (h < 1 || w < 1 || h > GT__MAX_SIDE || w > GT__MAX_SIDE || ih > GT__MAX_SIDE || iw > GT__MAX_SIDE)
    return gt__fail(GT_EARG, "scale: %lld x %lld to %d x %d, wanted sides of 1 to %d", (long long)ih, (long long)iw, h, w, GT__MAX_SIDE);
  memcpy(shape, a->shape, (size_t)a->rank * sizeof *shape);
  shape[a->rank - 2] = h;
  shape[a->rank - 1] = w;
  const gt_tensor *in;
  gt_tensor *out, tmp, back;
  gt__filter fy = {.n = 0}, fx = {.n = 0};
  int64_t count = gt__numel(a) / (ih * iw);
  GT_TRY(gt__contiguous(&in, &tmp, a));
  int code = gt__filter_make(&fy, kind, h, 0, (double)ih, (int)ih);
  if (!code) code = gt__filter_make(&fx, kind, w, 0, (double)iw, (int)iw);
  if (!code) code = gt__result(&out, &back, r, a->rank, shape, gt__overlaps(r, a));
  if (!code) {
    planes p = {&fy, &fx, in, out, (int)ih, (int)iw};
    int scaled = scale_planes(&p, count);
    code = gt__commit(r, &back, out);
    if (scaled) code = scaled;
  }
  gt__filter_free(&fx);
  gt__filter_free(&fy);
  gt__reset(&tmp);
  return code;
}
