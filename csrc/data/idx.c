/* idx.c: reading MNIST's idx format, gzipped or not: a magic word with type and rank, big-endian sizes, then the bytes. */
#include "image.h"
#include <errno.h>
#include <string.h>
#include <zlib.h>

static int read_idx(gt_tensor *r, gzFile file, const char *path) {
  uint8_t head[4 + 4 * GT_MAX_RANK];
  int64_t shape[GT_MAX_RANK];
  if (gzread(file, head, 4) != 4 || head[0] || head[1]) return gt__fail(GT_EFORMAT, "%s: not an idx file", path);
  int rank = head[3];
  if (head[2] != 8) return gt__fail(GT_EFORMAT, "%s: an idx file of type 0x%02x, wanted bytes (0x08)", path, head[2]);
  if (rank < 1 || rank > GT_MAX_RANK)
    return gt__fail(GT_EFORMAT, "%s: an idx file of %d dimensions, wanted 1 to %d", path, rank, GT_MAX_RANK);
  if (gzread(file, head, (unsigned)(4 * rank)) != 4 * rank) return gt__fail(GT_EFORMAT, "%s: the file ends too early", path);
  double total = 1;
  for (int d = 0; d < rank; d++) {
    const uint8_t *p = head + 4 * d;
    shape[d] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | p[3];
    total *= (double)shape[d];
  }
  /* gzip makes at most 1032 bytes of one: what cannot be in the file is refused before memory is asked for. */
  if (total > gt_file_size(path) * 1032 + 65536)
    return gt__fail(GT_EFORMAT, "%s: the file ends too early: its header promises %.0f bytes", path, total);
  gt_tensor *out, tmp;
  GT_TRY(gt__result(&out, &tmp, r, rank, shape, false));
  uint8_t *to = gt__data(out);
  double left = total;
  while (left > 0) {
    unsigned chunk = left > 1 << 24 ? 1u << 24 : (unsigned)left;
    int got = gzread(file, to, chunk);
    if (got <= 0) {
      gt__commit(r, &tmp, out);
      return gt__fail(GT_EFORMAT, "%s: the file ends too early: %.0f of %.0f bytes", path, total - left, total);
    }
    to += got;
    left -= got;
  }
  return gt__commit(r, &tmp, out);
}

int gt_idx_read(gt_tensor *r, const char *path) {
  if (r->dtype != GT_BYTE) return gt__fail(GT_ETYPE, "idx: a %sTensor to read into, wanted a ByteTensor", gt__dtype_name(r->dtype));
  if (gt_file_size(path) < 0) return gt__fail(GT_EIO, "%s: there is no such file, or it is not a regular one", path);
  gzFile file = gzopen(path, "rb");
  if (!file) return gt__fail(GT_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  int code = read_idx(r, file, path);
  gzclose(file);
  return code;
}
