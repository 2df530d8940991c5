/* image.h: what the files of csrc/data share: decoded pictures, codecs, conversion, resampling. */
#ifndef GANTRY_IMAGE_H
#define GANTRY_IMAGE_H
#include "../core/core.h"

/* Larger pictures are refused before any memory is asked for. */
enum { GT__MAX_SIDE = 65500, GT__MAX_PIXELS = 1 << 27 };

/* A decoded picture: h x w x channels bytes; 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. depth, flags
 * (GT_PALETTE ...) and format (GT__PNG ...): how the file had it. */
typedef struct {
  gt__scratch memory;
  int channels, h, w, depth, flags, format;
} gt__image;

static inline uint8_t *gt__pixels(const gt__image *image) { return image->memory.ptr; }
/* Allocates; refuses sides that are out of bounds. name: of the file, for messages. */
int gt__image_alloc(gt__image *image, const char *name, int channels, double h, double w);
void gt__image_free(gt__image *image);

/* The codecs. want: a decoder may shrink the picture while it decodes, to no less than want x want (0: do not). */
int gt__png_decode(gt__image *image, const uint8_t *bytes, size_t n, const char *name);
int gt__jpeg_decode(gt__image *image, const uint8_t *bytes, size_t n, const char *name, int want);
/* The encoders write channels x h x w planes; *bytes comes from malloc and belongs to the caller. */
int gt__png_encode(void **bytes, size_t *n, const uint8_t *planes, int channels, int h, int w, const char *name);
int gt__jpeg_encode(void **bytes, size_t *n, const uint8_t *planes, int channels, int h, int w, int quality, const char *name);
enum { GT__NOT_AN_IMAGE, GT__PNG, GT__JPEG };
int gt__image_format(const uint8_t *bytes, size_t n);
/* GT_OK where a file begins as an image does, else why it does not. */
int gt__image_probe(const char *path);
/* Reads and decodes a file of either format. */
int gt__image_read(gt__image *image, const char *path, int want);
/* To `channels` (1, 3, 4) planes of h x w: alpha laid over `background` (0xRRGGBB) or, for 4 channels, kept. */
void gt__image_planes(uint8_t *out, const gt__image *image, int channels, unsigned background);

/* A resampling filter along one axis: output i is the sum over k < count[i] of weight[i * most + k] * input[first[i] + k]. */
enum { GT__NEAREST, GT__BILINEAR, GT__BICUBIC, GT__LANCZOS };
typedef struct {
  int n, most;
  int *first, *count;
  double *weight;
  gt__scratch memory;
} gt__filter;
/* Spreads the inputs in [from, from + length) of `size` over n outputs; wider than one input where it shrinks. */
int gt__filter_make(gt__filter *f, int kind, int n, double from, double length, int size);
void gt__filter_free(gt__filter *f);

/* Brings channels x ih x iw planes to channels x h x w as fit (GT_CROP ...) says; `ground` has a byte per channel, for GT_PAD.
 * Colours of transparent pixels do not bleed: four channels are weighted by alpha. */
int gt__resize_bytes(uint8_t *out, int h, int w, const uint8_t *in, int ih, int iw, int channels, int fit, int kind, const uint8_t *ground);
/* The same for a part of the input, as it is: length_y x length_x pixels from (from_y, from_x). */
int gt__resize_part(uint8_t *out, int h, int w, const uint8_t *in, int ih, int iw, int channels, double from_y, double from_x,
                    double length_y, double length_x);
/* v as a byte: lo is 0, 255 / scale above it is 255; what lies outside is cut off. */
static inline uint8_t gt__quantum(double v, double scale, double lo) {
  double q = (v - lo) * scale;
  return q > 0 ? q < 255 ? (uint8_t)(q + 0.5) : 255 : 0; /* NaN gives 0 */
}
/* What bytes 0..255 stand for. */
void gt__byte_table(double *table, double lo, double hi);
/* The background colour as bytes of 1, 3 or 4 channels. */
void gt__ground(uint8_t *ground, unsigned background, int channels);
static inline uint8_t gt__luma(unsigned r, unsigned g, unsigned b) { return (uint8_t)((r * 299 + g * 587 + b * 114 + 500) / 1000); }
#endif
