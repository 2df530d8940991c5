/* storage.c: counted blocks of elements. */
#include "core.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const size_t dtype_sizes[GT_DTYPES] = {1, 1, 2, 4, 8, 4, 8};

size_t gt_dtype_size(int dtype) { return dtype >= 0 && dtype < GT_DTYPES ? dtype_sizes[dtype] : 0; }

gt_storage *gt_storage_new(int dtype, int64_t count) {
  if (dtype < 0 || dtype >= GT_DTYPES || count < 0 || count > GT__MOST / (int64_t)dtype_sizes[dtype]) {
    gt__fail(GT_EARG, "storage: %lld elements of type %s cannot be had", (long long)count, gt__dtype_name(dtype));
    return NULL;
  }
  gt_storage *s = gt__pool_alloc(sizeof *s, NULL);
  if (!s) return NULL;
  *s = (gt_storage){.count = count, .dtype = dtype, .refs = 1};
  if (count > 0) {
    s->ptr = gt__pool_alloc((size_t)count * dtype_sizes[dtype], &s->bytes);
    if (!s->ptr) {
      gt__pool_free(s, sizeof *s);
      return NULL;
    }
  }
  return s;
}

void gt_storage_retain(gt_storage *s) { __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED); }

/* A mapping begins at a page; the storage where the elements do, in the same page. */
static size_t into_page(uint64_t at) { return (size_t)(at & ((uint64_t)sysconf(_SC_PAGESIZE) - 1)); }

static void return_bytes(gt_storage *s) {
  if (s->flags & GT_PACKED) gt__packed_drop(s);
  if (s->ptr && (s->flags & GT_MAPPED)) {
    size_t skip = into_page((uint64_t)(uintptr_t)s->ptr);
    munmap((char *)s->ptr - skip, s->bytes + skip);
  } else if (s->ptr && !(s->flags & GT_FOREIGN)) {
    gt__pool_free(s->ptr, s->bytes);
  }
  s->ptr = NULL;
  s->bytes = 0;
}

void gt_storage_free(gt_storage *s) {
  if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
  return_bytes(s);
  gt__pool_free(s, sizeof *s);
}

int gt_storage_resize(gt_storage *s, int64_t count) {
  if (s->flags & GT_RELEASED) return gt__fail(GT_ERELEASED, "storage: its memory was released");
  if (count < 0 || count > GT__MOST / (int64_t)dtype_sizes[s->dtype])
    return gt__fail(GT_EARG, "storage: %lld elements cannot be had", (long long)count);
  size_t size = dtype_sizes[s->dtype], need = (size_t)count * size;
  if (need > s->bytes) {
    if (s->flags & GT_FOREIGN) return gt__fail(GT_EARG, "storage: memory that is not Gantry's cannot be resized");
    size_t capacity;
    void *p = gt__pool_alloc(need, &capacity);
    if (!p) return GT_ENOMEM;
    if (s->ptr) memcpy(p, s->ptr, (size_t)s->count * size);
    return_bytes(s);
    s->ptr = p;
    s->bytes = capacity;
  }
  s->count = count;
  gt_storage_touch(s);
  return GT_OK;
}

static gt_storage *map_file(const char *path, uint64_t offset, int dtype, int64_t count) {
  gt_storage *s = gt__pool_alloc(sizeof *s, NULL);
  if (!s) return NULL;
  *s = (gt_storage){.count = count, .dtype = dtype, .refs = 1, .flags = GT_FOREIGN | GT_MAPPED};
  s->bytes = (size_t)count * dtype_sizes[dtype];
  size_t skip = into_page(offset);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  void *base = MAP_FAILED;
  /* A private mapping that reserves no memory: only pages that somebody writes to take any. */
  if (fd >= 0)
    base = mmap(NULL, s->bytes + skip, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, (off_t)(offset - skip));
  if (base == MAP_FAILED) {
    gt__fail(GT_EIO, "%s: cannot be mapped: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    gt__pool_free(s, sizeof *s);
    return NULL;
  }
  close(fd);
  s->ptr = (char *)base + skip;
  return s;
}

int gt_tensor_map(gt_tensor *t, const char *path, double offset, int rank, const int64_t *shape) {
  double count = 1, size = gt_file_size(path), element = (double)gt_dtype_size(t->dtype);
  if (size < 0) return gt__fail(GT_EIO, "%s: there is no such file, or it is not a regular one", path);
  if (rank < 1 || rank > GT_MAX_RANK) return gt__fail(GT_EARG, "map: %d dimensions, wanted 1 to %d", rank, GT_MAX_RANK);
  for (int d = 0; d < rank; d++) count *= (double)shape[d];
  if (!(offset >= 0) || !(count >= 1) || (uint64_t)offset % (uint64_t)element)
    return gt__fail(GT_EARG, "map: %.0f elements from byte %.0f, wanted some, from a multiple of %.0f", count, offset, element);
  if (offset + count * element > size)
    return gt__fail(GT_EFORMAT, "%s: ends after %.0f bytes, wanted %.0f", path, size, offset + count * element);
  gt_storage *s = map_file(path, (uint64_t)offset, t->dtype, (int64_t)count);
  if (!s) return GT_EIO;
  int code = gt_tensor_set(t, s, 0, rank, shape, NULL);
  gt_storage_free(s);
  return code;
}

void gt_storage_touch(gt_storage *s) { __atomic_add_fetch(&s->version, 1, __ATOMIC_RELAXED); }
