/* pooling.c: max and average pooling with Torch7's rounding, padding and counting, and their gradients. */
#include "ops.h"

/* planes: N times C. */
typedef struct geometry {
  int64_t planes, h, w, oh, ow, kh, kw, sh, sw, ph, pw;
  bool include_pad;
} geometry;

#define real float
#define FN(name) name##_f
#include "../kernels/pooling.inl"
#undef real
#undef FN
#define real double
#define FN(name) name##_d
#include "../kernels/pooling.inl"

static int64_t out_size(int64_t in, int64_t pad, int64_t kernel, int64_t stride, bool ceil_mode) {
  int64_t span = in + 2 * pad - kernel;
  if (span < 0 && !ceil_mode) return 0;
  int64_t out = (span < 0 ? -(-span / stride) : ceil_mode ? (span + stride - 1) / stride : span / stride) + 1;
  /* A window that would begin behind the image is left out. */
  if ((out - 1) * stride >= in + pad) out--;
  return out;
}

static int describe(geometry *g, const char *what, const gt_tensor *x, int64_t h, int64_t w, const gt_pool_shape *s) {
  gt__shape_text text;
  GT_TRY(gt__want_real(x, what));
  if (x->rank != 4) return gt__fail(GT_ESHAPE, "%s: the input is %s, wanted 4 dimensions", what, gt__shape(&text, x));
  if (s->kh < 1 || s->kw < 1 || s->stride_h < 1 || s->stride_w < 1) {
    return gt__fail(GT_EARG, "%s: a window of %dx%d moved by %dx%d, wanted 1 or more", what, s->kh, s->kw, s->stride_h, s->stride_w);
  }
  if (s->pad_h < 0 || s->pad_w < 0 || s->pad_h > s->kh / 2 || s->pad_w > s->kw / 2) {
    return gt__fail(GT_EARG, "%s: the padding is %dx%d, wanted 0 to half of the window %dx%d", what, s->pad_h, s->pad_w, s->kh, s->kw);
  }
  if (h < 1 || w < 1 || h > INT32_MAX || w > INT32_MAX)
    return gt__fail(GT_ESHAPE, "%s: images of %lldx%lld, wanted 1 to %d", what, (long long)h, (long long)w, INT32_MAX);
  *g = (geometry){.planes = x->shape[0] * x->shape[1], .h = h, .w = w, .kh = s->kh, .kw = s->kw, .sh = s->stride_h, .sw = s->stride_w,
                  .ph = s->pad_h, .pw = s->pad_w, .include_pad = s->include_pad != 0};
  g->oh = out_size(h, g->ph, g->kh, g->sh, s->ceil_mode != 0);
  g->ow = out_size(w, g->pw, g->kw, g->sw, s->ceil_mode != 0);
  if (g->oh < 1 || g->ow < 1) {
    return gt__fail(GT_ESHAPE, "%s: images of %lldx%lld are smaller than the window of %dx%d", what, (long long)h, (long long)w,
                    s->kh, s->kw);
  }
  return GT_OK;
}

/* One pooling call: y and x as the kernel sees them, contiguous; index where there is one. */
typedef struct call {
  const gt_tensor *in, *index_in;
  gt_tensor in_copy, index_copy, out_copy, index_out_copy;
  gt_tensor *out, *index_out;
} call;

static void call_free(call *c) {
  gt__reset(&c->in_copy);
  gt__reset(&c->index_copy);
  gt__reset(&c->out_copy);
  gt__reset(&c->index_out_copy);
}

static int call_begin(call *c, gt_tensor *out, const gt_tensor *in, const gt_tensor *index, const int64_t shape[4]) {
  *c = (call){0};
  GT_TRY(gt__want_same_type(out, in, "pooling"));
  c->in_copy = gt__blank(in->dtype);
  c->out_copy = gt__blank(out->dtype);
  c->index_copy = c->index_out_copy = gt__blank(GT_LONG);
  int code = gt__contiguous(&c->in, &c->in_copy, in);
  if (!code && index) code = gt__contiguous(&c->index_in, &c->index_copy, index);
  if (!code) code = gt__result(&c->out, &c->out_copy, out, 4, shape, gt__will_overlap(out, 4, shape, in));
  if (code) call_free(c);
  return code;
}

static int want_index(const char *what, const gt_tensor *index, const gt_tensor *like) {
  gt__shape_text a, b;
  GT_TRY(gt__usable(index, what));
  if (index->dtype != GT_LONG) return gt__fail(GT_ETYPE, "%s: the positions are %s, wanted Long", what, gt__dtype_name(index->dtype));
  if (like && !gt_same_shape(index, like)) {
    return gt__fail(GT_ESHAPE, "%s: the positions are %s, the gradient %s", what, gt__shape(&a, index), gt__shape(&b, like));
  }
  return GT_OK;
}

/* Positions come from a caller's tensor: none may point outside the image. */
static int want_positions(const char *what, const gt_tensor *index, int64_t area) {
  const int64_t *p = gt__data(index);
  int64_t count = gt__numel(index);
  for (int64_t i = 0; i < count; i++) {
    if (p[i] < 1 || p[i] > area) {
      return gt__fail(GT_EARG, "%s: position %lld is outside 1..%lld", what, (long long)p[i], (long long)area);
    }
  }
  return GT_OK;
}

int gt_max_pool(gt_tensor *y, gt_tensor *index, const gt_tensor *x, const gt_pool_shape *s) {
  geometry g;
  call c;
  GT_TRY(want_index("max_pool", index, NULL));
  GT_TRY(gt__want_real(x, "max_pool"));
  GT_TRY(describe(&g, "max_pool", x, x->rank == 4 ? x->shape[2] : 0, x->rank == 4 ? x->shape[3] : 0, s));
  int64_t shape[4] = {x->shape[0], x->shape[1], g.oh, g.ow};
  GT_TRY(call_begin(&c, y, x, NULL, shape));
  int code = gt__result(&c.index_out, &c.index_out_copy, index, 4, shape, false);
  if (!code && g.planes) {
    if (x->dtype == GT_FLOAT) max_pool_f(gt__f(c.out), gt__data(c.index_out), gt__f(c.in), &g);
    else max_pool_d(gt__d(c.out), gt__data(c.index_out), gt__d(c.in), &g);
  }
  if (!code) code = gt__commit(y, &c.out_copy, c.out);
  if (!code) code = gt__commit(index, &c.index_out_copy, c.index_out);
  call_free(&c);
  return code;
}

int gt_max_pool_grad(gt_tensor *gx, const gt_tensor *gy, const gt_tensor *index, int64_t h, int64_t w) {
  gt__shape_text text;
  call c;
  GT_TRY(gt__want_real(gy, "max_pool_grad"));
  GT_TRY(want_index("max_pool_grad", index, gy));
  if (gy->rank != 4) return gt__fail(GT_ESHAPE, "max_pool_grad: the gradient is %s, wanted 4 dimensions", gt__shape(&text, gy));
  if (h < 1 || w < 1) return gt__fail(GT_EARG, "max_pool_grad: images of %lldx%lld", (long long)h, (long long)w);
  int64_t shape[4] = {gy->shape[0], gy->shape[1], h, w};
  geometry g = {.planes = shape[0] * shape[1], .h = h, .w = w, .oh = gy->shape[2], .ow = gy->shape[3]};
  GT_TRY(call_begin(&c, gx, gy, index, shape));
  int code = want_positions("max_pool_grad", c.index_in, h * w);
  if (!code && g.planes) {
    if (gy->dtype == GT_FLOAT) max_pool_grad_f(gt__f(c.out), gt__f(c.in), gt__data(c.index_in), &g);
    else max_pool_grad_d(gt__d(c.out), gt__d(c.in), gt__data(c.index_in), &g);
  }
  if (!code) code = gt__commit(gx, &c.out_copy, c.out);
  call_free(&c);
  return code;
}

int gt_max_pool_pick(gt_tensor *y, const gt_tensor *x, const gt_tensor *index) {
  gt__shape_text a, b;
  call c;
  GT_TRY(gt__want_real(x, "max_pool_pick"));
  GT_TRY(want_index("max_pool_pick", index, NULL));
  if (x->rank != 4 || index->rank != 4 || x->shape[0] != index->shape[0] || x->shape[1] != index->shape[1]) {
    return gt__fail(GT_ESHAPE, "max_pool_pick: x is %s, the positions %s", gt__shape(&a, x), gt__shape(&b, index));
  }
  geometry g = {.planes = x->shape[0] * x->shape[1], .h = x->shape[2], .w = x->shape[3], .oh = index->shape[2], .ow = index->shape[3]};
  GT_TRY(call_begin(&c, y, x, index, index->shape));
  int code = want_positions("max_pool_pick", c.index_in, g.h * g.w);
  if (!code && g.planes) {
    if (x->dtype == GT_FLOAT) max_pool_pick_f(gt__f(c.out), gt__f(c.in), gt__data(c.index_in), &g);
    else max_pool_pick_d(gt__d(c.out), gt__d(c.in), gt__data(c.index_in), &g);
  }
  if (!code) code = gt__commit(y, &c.out_copy, c.out);
  call_free(&c);
  return code;
}

int gt_avg_pool(gt_tensor *y, const gt_tensor *x, const gt_pool_shape *s) {
  geometry g;
  call c;
  GT_TRY(gt__want_real(x, "avg_pool"));
  GT_TRY(describe(&g, "avg_pool", x, x->rank == 4 ? x->shape[2] : 0, x->rank == 4 ? x->shape[3] : 0, s));
  int64_t shape[4] = {x->shape[0], x->shape[1], g.oh, g.ow};
  GT_TRY(call_begin(&c, y, x, NULL, shape));
  if (g.planes) {
    if (x->dtype == GT_FLOAT) avg_pool_f(gt__f(c.out), gt__f(c.in), &g);
    else avg_pool_d(gt__d(c.out), gt__d(c.in), &g);
  }
  int code = gt__commit(y, &c.out_copy, c.out);
  call_free(&c);
  return code;
}

int gt_avg_pool_grad(gt_tensor *gx, const gt_tensor *gy, const gt_pool_shape *s, int64_t h, int64_t w) {
  gt__shape_text text;
  geometry g;
  call c;
  GT_TRY(gt__want_real(gy, "avg_pool_grad"));
  GT_TRY(describe(&g, "avg_pool_grad", gy, h, w, s));
  if (gy->shape[2] != g.oh || gy->shape[3] != g.ow) {
    return gt__fail(GT_ESHAPE, "avg_pool_grad: the gradient is %s, and images of %lldx%lld give %lldx%lld", gt__shape(&text, gy),
                    (long long)h, (long long)w, (long long)g.oh, (long long)g.ow);
  }
  int64_t shape[4] = {gy->shape[0], gy->shape[1], h, w};
  GT_TRY(call_begin(&c, gx, gy, NULL, shape));
  if (g.planes) {
    if (gy->dtype == GT_FLOAT) avg_pool_grad_f(gt__f(c.out), gt__f(c.in), &g);
    else avg_pool_grad_d(gt__d(c.out), gt__d(c.in), &g);
  }
  int code = gt__commit(gx, &c.out_copy, c.out);
  call_free(&c);
  return code;
}
