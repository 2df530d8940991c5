/* loader.c: the sources of pictures: files, images in memory, scenes; one size for all, kept once they are made. */
#include "loader.h"
#include "scenes.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Notes a file that cannot be read, with this thread's message. */
static void note(gt_loader *l, const char *reason) {
  char *copy = strdup(reason);
  pthread_mutex_lock(&l->lock);
  char **more = copy ? realloc(l->reasons, (size_t)(l->reason_count + 1) * sizeof *more) : NULL;
  if (more) {
    more[l->reason_count++] = copy;
    l->reasons = more;
  } else {
    free(copy);
  }
  pthread_mutex_unlock(&l->lock);
}

int32_t gt_loader_unreadable(gt_loader *l) {
  pthread_mutex_lock(&l->lock);
  int n = l->reason_count;
  pthread_mutex_unlock(&l->lock);
  return n;
}

const char *gt_loader_reason(gt_loader *l, int k) {
  pthread_mutex_lock(&l->lock);
  const char *reason = k >= 0 && k < l->reason_count ? l->reasons[k] : "";
  pthread_mutex_unlock(&l->lock);
  return reason;
}

double gt_loader_size(const gt_loader *l) { return (double)l->size; }
double gt_loader_origin(const gt_loader *l, double i) {
  return l->origin && i >= 0 && i < (double)l->size ? (double)l->origin[(int64_t)i] : i;
}

double gt_loader_cached(const gt_loader *l) {
  gt_loader *m = (gt_loader *)l;
  pthread_mutex_lock(&m->lock);
  double bytes = l->cached;
  pthread_mutex_unlock(&m->lock);
  return bytes;
}

/* ---- making one picture -------------------------------------------------------------------------------------------- */

static int from_file(uint8_t *out, gt_loader *l, int64_t i) {
  const gt_load_options *o = &l->options;
  const char *path = l->names + l->name_at[i];
  gt__image image;
  gt__scratch planes;
  uint8_t ground[4];
  int larger = l->h > l->w ? l->h : l->w;
  GT_TRY(gt__image_read(&image, path, o->fit == GT_CROP ? larger : 0));
  int code = gt__scratch_alloc(&planes, (size_t)image.h * (size_t)image.w * (size_t)o->channels);
  if (!code) {
    gt__image_planes(planes.ptr, &image, o->channels, (unsigned)o->background);
    gt__ground(ground, (unsigned)o->background, o->channels);
    code = gt__resize_bytes(out, l->h, l->w, planes.ptr, image.h, image.w, o->channels, o->fit, GT__BILINEAR, ground);
    gt__scratch_free(&planes);
  }
  gt__image_free(&image);
  return code;
}

/* One value of a Byte, Float or Double tensor as a byte. */
static inline uint8_t byte_at(const uint8_t *p, int dtype, const gt_load_options *o, double scale) {
  float f;
  double d;
  if (dtype == GT_BYTE) return *p;
  if (dtype == GT_FLOAT) memcpy(&f, p, sizeof f), d = f;
  else memcpy(&d, p, sizeof d);
  return gt__quantum(d, scale, o->lo);
}

/* Picture i of a tensor with any strides as h x w x k bytes. */
static void gather(uint8_t *pixels, const gt_tensor *t, int64_t i, const gt_load_options *o) {
  const int64_t size = (int64_t)gt_dtype_size(t->dtype), k = t->shape[1], h = t->shape[2], w = t->shape[3];
  const double scale = t->dtype == GT_BYTE ? 1 : 255 / (o->hi - o->lo);
  const uint8_t *base = (const uint8_t *)gt__data(t) + i * t->step[0] * size;
  for (int64_t c = 0; c < k; c++)
    for (int64_t y = 0; y < h; y++) {
      const uint8_t *from = base + (c * t->step[1] + y * t->step[2]) * size;
      uint8_t *to = pixels + y * w * k + c;
      for (int64_t x = 0; x < w; x++) to[x * k] = byte_at(from + x * t->step[3] * size, t->dtype, o, scale);
    }
}

/* Pictures of a mapped file are wanted in random order, each as a whole: reading far ahead of one would read what nobody wants. */
static void advise(const void *from, size_t bytes, int advice) {
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)from & ~(page - 1);
  (void)madvise((void *)start, (uintptr_t)from + bytes - start, advice);
}

static int from_memory(uint8_t *out, gt_loader *l, int64_t i) {
  const gt_load_options *o = &l->options;
  const gt_tensor *t = &l->images;
  const int k = (int)t->shape[1], h = (int)t->shape[2], w = (int)t->shape[3], channels = o->channels;
  const size_t n = (size_t)h * (size_t)w;
  const uint8_t *in = (const uint8_t *)gt__data(t) + t->step[0] * i;
  gt__scratch planes = {0};
  uint8_t ground[4];
  GT_TRY(gt__usable(t, "data"));
  gt__ground(ground, (unsigned)o->background, channels);
  if ((t->store->flags & GT_MAPPED) && t->step[0] >= (int64_t)n * k) {
    size_t element = gt_dtype_size(t->dtype);
    advise((const uint8_t *)gt__data(t) + (size_t)(t->step[0] * i) * element, n * (size_t)k * element, MADV_WILLNEED);
  }
  bool planar = t->dtype == GT_BYTE && t->step[3] == 1 && t->step[2] == w && t->step[1] == (int64_t)n;
  if (k != channels || !planar) {
    gt__image image = {.channels = k, .h = h, .w = w};
    GT_TRY(gt__scratch_alloc(&image.memory, n * (size_t)k));
    gather(gt__pixels(&image), t, i, o);
    int code = gt__scratch_alloc(&planes, n * (size_t)channels);
    if (!code) gt__image_planes(planes.ptr, &image, channels, (unsigned)o->background);
    gt__image_free(&image);
    if (code) return code;
    in = planes.ptr;
  }
  int code = gt__resize_bytes(out, l->h, l->w, in, h, w, channels, o->fit, GT__BILINEAR, ground);
  gt__scratch_free(&planes);
  return code ? code : gt__usable(t, "data"); /* a file may have got shorter while it was read */
}

static int make(uint8_t *out, gt_loader *l, int64_t i) {
  switch (l->source) {
  case GT__FROM_FILES: return from_file(out, l, i);
  case GT__FROM_IMAGES: return from_memory(out, l, i);
  default: return gt__scene_bytes(out, l->kind, l->seed, (uint64_t)i, l->options.channels, l->h, l->w);
  }
}

bool gt__loader_skips(const gt_loader *l, int code) {
  return l->source == GT__FROM_FILES && (code == GT_EFORMAT || code == GT_EIO);
}

/* Picture i as it is kept. */
static int whole(uint8_t *out, gt_loader *l, int64_t i) {
  const size_t bytes = (size_t)l->bytes;
  uint8_t *place = i < l->kept ? (uint8_t *)l->cache.ptr + bytes * (size_t)i : NULL;
  uint8_t seen = __atomic_load_n(&l->state[i], __ATOMIC_ACQUIRE);
  if (seen == GT__KEPT) {
    memcpy(out, place, bytes);
    return GT_OK;
  }
  if (seen == GT__UNREADABLE) return gt__fail(GT_EFORMAT, "%s: cannot be read", l->names ? l->names + l->name_at[i] : "data");
  /* Whoever finds it unseen keeps it; others that come meanwhile make their own. */
  bool keeper = seen == GT__UNSEEN && __atomic_compare_exchange_n(&l->state[i], &seen, GT__BUSY, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  int code = make(out, l, i);
  if (!keeper) return code;
  if (gt__loader_skips(l, code)) {
    note(l, gt_last_error());
    __atomic_store_n(&l->state[i], GT__UNREADABLE, __ATOMIC_RELEASE);
  } else if (!code && place) {
    memcpy(place, out, bytes);
    pthread_mutex_lock(&l->lock);
    l->cached += (double)bytes;
    pthread_mutex_unlock(&l->lock);
    __atomic_store_n(&l->state[i], GT__KEPT, __ATOMIC_RELEASE);
  } else {
    __atomic_store_n(&l->state[i], GT__UNSEEN, __ATOMIC_RELEASE);
  }
  return code;
}

/* ---- from what is kept to what is shown ---------------------------------------------------------------------------- */

enum { FLIP = 0xf11b, PART_Y = 0x9a27, PART_X, PART_SIZE };

static double chance(const gt_loader *l, int stream, int64_t position) {
  return gt__unit(gt__counter64((uint64_t)l->options.augment_seed, (uint64_t)stream, (uint64_t)position));
}

static void mirror(uint8_t *planes, int rows, int w) {
  for (int y = 0; y < rows; y++, planes += w)
    for (int a = 0, b = w - 1; a < b; a++, b--) {
      uint8_t v = planes[a];
      planes[a] = planes[b];
      planes[b] = v;
    }
}

/* The part of the kept picture that a position shows. */
static int show_part(uint8_t *out, const uint8_t *kept, const gt_loader *l, int64_t position) {
  const gt_load_options *o = &l->options;
  double size = 1 + o->scale * chance(l, PART_SIZE, position), length_y = o->height * size, length_x = o->width * size;
  if (length_y > l->h) length_y = l->h;
  if (length_x > l->w) length_x = l->w;
  double y = chance(l, PART_Y, position), x = chance(l, PART_X, position), from_y, from_x;
  if (o->scale > 0) {
    from_y = y * (l->h - length_y);
    from_x = x * (l->w - length_x);
  } else { /* whole pixels stay as they are */
    from_y = (int)(y * (l->h - o->height + 1));
    from_x = (int)(x * (l->w - o->width + 1));
  }
  return gt__resize_part(out, o->height, o->width, kept, l->h, l->w, o->channels, from_y, from_x, length_y, length_x);
}

int gt__loader_make(uint8_t *out, gt_loader *l, int64_t i, const int64_t *position) {
  const gt_load_options *o = &l->options;
  if (l->h == o->height && l->w == o->width) {
    GT_TRY(whole(out, l, i));
  } else {
    gt__scratch kept;
    GT_TRY(gt__scratch_alloc(&kept, (size_t)l->bytes));
    int code = whole(kept.ptr, l, i);
    if (!code)
      code = position ? show_part(out, kept.ptr, l, *position)
                      : gt__resize_part(out, o->height, o->width, kept.ptr, l->h, l->w, o->channels, 0, 0, l->h, l->w);
    gt__scratch_free(&kept);
    if (code) return code;
  }
  if (position && o->flip && gt__counter64((uint64_t)o->augment_seed, FLIP, (uint64_t)*position) & 1)
    mirror(out, o->channels * o->height, o->width);
  return GT_OK;
}

int gt_loader_get(gt_tensor *r, gt_loader *l, double i) {
  const gt_load_options *o = &l->options;
  gt_tensor *out, tmp;
  if (!(i >= 0 && i < (double)l->size)) return gt__fail(GT_EARG, "data: picture %.0f is outside 1..%lld", i + 1, (long long)l->size);
  if (r->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "data: a %sTensor for a picture, wanted a ByteTensor", gt__dtype_name(r->dtype));
  GT_TRY(gt__result(&out, &tmp, r, 3, (const int64_t[]){o->channels, o->height, o->width}, false));
  int code = gt__loader_make(gt__data(out), l, (int64_t)i, NULL);
  int done = gt__commit(r, &tmp, out);
  return code ? code : done;
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

void gt__loader_retain(gt_loader *l) { __atomic_add_fetch(&l->refs, 1, __ATOMIC_RELAXED); }

void gt_loader_free(gt_loader *l) {
  if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL)) return;
  for (int i = 0; i < l->reason_count; i++) free(l->reasons[i]);
  free(l->reasons);
  free(l->names);
  free(l->name_at);
  free(l->origin);
  free(l->state);
  gt__reset(&l->images);
  gt__scratch_free(&l->cache);
  pthread_mutex_destroy(&l->lock);
  free(l);
}

static double default_cache(void) {
  double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  return memory / 4 < 1e9 ? memory / 4 : 1e9;
}

static int check_options(const gt_load_options *o) {
  if (o->channels != 1 && o->channels != 3 && o->channels != 4)
    return gt__fail(GT_EARG, "data: %d channels, wanted 1, 3 or 4", o->channels);
  if (o->height < 1 || o->width < 1 || o->height > 4096 || o->width > 4096)
    return gt__fail(GT_EARG, "data: pictures of %d x %d, wanted sides of 1 to 4096", o->height, o->width);
  if (o->fit < GT_CROP || o->fit > GT_PAD) return gt__fail(GT_EARG, "data: there is no fit %d", o->fit);
  if (!(o->crop >= 0 && o->crop <= 1) || !(o->scale >= 0 && o->scale <= 1))
    return gt__fail(GT_EARG, "data: crop %g and scale %g, wanted 0 to 1", o->crop, o->scale);
  return GT_OK;
}

static gt_loader *loader_new(const gt_load_options *o, int source) {
  gt_loader *l = calloc(1, sizeof *l);
  if (!l) {
    gt__fail(GT_ENOMEM, "data: no memory for a loader");
    return NULL;
  }
  l->options = *o;
  l->refs = 1;
  l->source = source;
  l->images = gt__blank(GT_BYTE);
  l->h = (int)(o->height * (1 + o->crop) * (1 + o->scale) + 0.5);
  l->w = (int)(o->width * (1 + o->crop) * (1 + o->scale) + 0.5);
  l->bytes = (int64_t)o->channels * l->h * l->w;
  pthread_mutex_init(&l->lock, NULL);
  return l;
}

/* Prepares for `size` pictures; frees l and returns NULL where that fails. */
static gt_loader *sized(gt_loader *l, int64_t size, bool cache) {
  l->size = size;
  l->state = calloc((size_t)size, 1);
  if (!l->state) {
    gt__fail(GT_ENOMEM, "data: no memory for %lld pictures", (long long)size);
    gt_loader_free(l);
    return NULL;
  }
  double room = l->options.cache_bytes < 0 ? default_cache() : l->options.cache_bytes;
  if (!cache) return l;
  l->kept = room / (double)l->bytes < (double)size ? (int64_t)(room / (double)l->bytes) : size;
  /* Without memory to keep pictures in they are made anew each time. */
  if (l->kept > 0 && gt__scratch_alloc(&l->cache, (size_t)l->kept * (size_t)l->bytes)) l->kept = 0;
  return l;
}

typedef struct {
  gt_loader *l;
  const int64_t *at;
  char **why;
  int64_t n;
} probing;

enum { PROBES = 64 };

static void probe(void *context, int64_t task) {
  probing *p = context;
  for (int64_t i = task * PROBES; i < p->n && i < (task + 1) * PROBES; i++)
    if (gt__image_probe(p->l->names + p->at[i])) p->why[i] = strdup(gt_last_error());
}

gt_loader *gt_loader_files(const gt_load_options *options, const char *paths, double count) {
  if (check_options(options)) return NULL;
  if (!(count >= 1)) {
    gt__fail(GT_EARG, "data: there are no files to load");
    return NULL;
  }
  int64_t n = (int64_t)count;
  gt_loader *l = loader_new(options, GT__FROM_FILES);
  if (!l) return NULL;
  const char *end = paths;
  for (int64_t i = 0; i < n; i++) end += strlen(end) + 1;
  char **why = calloc((size_t)n, sizeof *why);
  l->names = malloc((size_t)(end - paths));
  l->name_at = malloc((size_t)n * sizeof *l->name_at);
  l->origin = malloc((size_t)n * sizeof *l->origin);
  if (!why || !l->names || !l->name_at || !l->origin) {
    free(why);
    gt__fail(GT_ENOMEM, "data: no memory for %lld names", (long long)n);
    gt_loader_free(l);
    return NULL;
  }
  memcpy(l->names, paths, (size_t)(end - paths));
  int64_t at = 0, good = 0;
  for (int64_t i = 0; i < n; i++) {
    l->name_at[i] = at;
    at += (int64_t)strlen(l->names + at) + 1;
  }
  probing p = {l, l->name_at, why, n};
  gt__parallel((n + PROBES - 1) / PROBES, probe, &p);
  char first[400] = "";
  for (int64_t i = 0; i < n; i++) {
    if (why[i]) {
      if (!first[0]) strncpy(first, why[i], sizeof first - 1);
      note(l, why[i]);
      free(why[i]);
      continue;
    }
    l->name_at[good] = l->name_at[i];
    l->origin[good++] = i;
  }
  free(why);
  if (good == 0) {
    gt_loader_free(l);
    if (n == 1) gt__fail(GT_EFORMAT, "%s", first);
    else gt__fail(GT_EFORMAT, "data: none of the %lld files is a readable image; the first: %s", (long long)n, first);
    return NULL;
  }
  return sized(l, good, true);
}

gt_loader *gt_loader_images(const gt_load_options *options, const gt_tensor *images) {
  gt__shape_text text;
  if (check_options(options) || gt__usable(images, "data")) return NULL;
  bool real = images->dtype == GT_FLOAT || images->dtype == GT_DOUBLE;
  bool shaped = images->rank == 4 && gt__numel(images) > 0 && images->shape[1] <= 4 && images->shape[2] <= GT__MAX_SIDE &&
                images->shape[3] <= GT__MAX_SIDE && images->shape[2] * images->shape[3] <= GT__MAX_PIXELS;
  if ((images->dtype != GT_BYTE && !real) || !shaped) {
    gt__fail(GT_ESHAPE, "data: a %sTensor of %s, wanted a Byte, Float or Double one N x C x H x W of 1 to 4 channels",
             gt__dtype_name(images->dtype), gt__shape(&text, images));
    return NULL;
  }
  if (real && !(options->hi > options->lo)) {
    gt__fail(GT_EARG, "data: a range from %g to %g", options->lo, options->hi);
    return NULL;
  }
  gt_loader *l = loader_new(options, GT__FROM_IMAGES);
  if (!l) return NULL;
  l->images.dtype = images->dtype;
  if (gt_tensor_set_to(&l->images, images)) {
    gt_loader_free(l);
    return NULL;
  }
  if (images->store->flags & GT_MAPPED) advise(images->store->ptr, images->store->bytes, MADV_RANDOM);
  bool as_is = !real && images->shape[1] == options->channels && images->shape[2] == l->h && images->shape[3] == l->w;
  return sized(l, images->shape[0], !as_is);
}

gt_loader *gt_loader_scenes(const gt_load_options *options, int kind, double seed, double n) {
  gt__dice check;
  if (check_options(options)) return NULL;
  if (kind < 0 || kind >= GT_SCENES) {
    gt__fail(GT_EARG, "data: there is no kind %d of scenes", kind);
    return NULL;
  }
  if (!(n >= 1 && n <= 1e9)) {
    gt__fail(GT_EARG, "data: %g scenes, wanted 1 to 1000000000", n);
    return NULL;
  }
  if (gt__dice_open(&check, "data: scenes", kind, seed, n)) return NULL;
  gt_loader *l = loader_new(options, GT__FROM_SCENES);
  if (!l) return NULL;
  if (gt__picture_size("data: scenes", options->channels, l->h, l->w)) {
    gt_loader_free(l);
    return NULL;
  }
  l->kind = kind;
  l->seed = (uint64_t)seed;
  return sized(l, (int64_t)n, true);
}
