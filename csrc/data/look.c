/* look.c: what picture files are, once all of each was decoded: size, kind of pixels, content. */
#include "image.h"
#include <string.h>

/* Two running sums over the pixels as RGBA, so that a gray file and an RGB file of one picture are the same. What a fully
 * transparent pixel's colour is does not show, and does not count. */
static void content(gt_picture *p, const gt__image *image) {
  const size_t n = (size_t)image->h * (size_t)image->w;
  const int k = image->channels;
  const bool gray = k < 3, alpha = k == 2 || k == 4;
  const uint8_t *v = gt__pixels(image);
  uint64_t a = UINT64_C(0xcbf29ce484222325) ^ ((uint64_t)image->h << 32 | (uint64_t)image->w), b = ~a;
  uint32_t first = 0, veil = UINT32_C(0xff000000), differ = 0;
  for (size_t i = 0; i < n; i++, v += k) {
    uint32_t opacity = alpha ? v[k - 1] : 255, pixel = opacity << 24;
    if (opacity) pixel |= (uint32_t)v[gray ? 0 : 2] << 16 | (uint32_t)v[gray ? 0 : 1] << 8 | v[0];
    if (i == 0) first = pixel;
    differ |= pixel ^ first;
    veil &= pixel;
    a = (a ^ pixel) * UINT64_C(0x100000001b3);
    a ^= a >> 29;
    b = (b + pixel) * UINT64_C(0x9e3779b97f4a7c15);
    b ^= b >> 32;
  }
  p->content[0] = a;
  p->content[1] = b;
  if (veil >> 24 != 255) p->flags |= GT_SEE_THROUGH;
  if (!differ && n > 1) p->flags |= GT_ONE_COLOUR;
}

typedef struct {
  gt_picture *pictures;
  const char **paths;
} looking;

static void look(void *context, int64_t i) {
  const looking *l = context;
  gt_picture *p = l->pictures + i;
  gt__image image;
  *p = (gt_picture){.code = gt__image_read(&image, l->paths[i], 0)};
  if (p->code) {
    strncpy(p->reason, gt_last_error(), sizeof p->reason - 1);
    return;
  }
  p->format = image.format;
  p->height = image.h;
  p->width = image.w;
  p->channels = image.channels;
  p->depth = image.depth;
  p->flags = image.flags;
  content(p, &image);
  gt__image_free(&image);
}

int gt_pictures_look(gt_picture *pictures, const char *paths, int n) {
  gt__scratch list;
  if (n < 1) return gt__fail(GT_EARG, "look: %d files, wanted at least 1", n);
  GT_TRY(gt__scratch_alloc(&list, (size_t)n * sizeof(char *)));
  looking l = {pictures, list.ptr};
  for (int i = 0; i < n; i++, paths += strlen(paths) + 1) l.paths[i] = paths;
  gt__parallel(n, look, &l);
  gt__scratch_free(&list);
  return GT_OK;
}
