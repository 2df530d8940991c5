/* storage.c: counted blocks of elements. */
#include "core.h"
#include <string.h>

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

static void return_bytes(gt_storage *s) {
  if (s->flags & GT_PACKED) gt__packed_drop(s);
  if (s->ptr && (s->flags & GT_MAPPED)) gt__unmap(s);
  else if (s->ptr && !(s->flags & GT_FOREIGN)) gt__pool_free(s->ptr, s->bytes);
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

int gt_storage_check(const gt_storage *s, const char *what) {
  if (s->flags & GT_RELEASED) return gt__fail(GT_ERELEASED, "%s: the memory was released; clone() what has to outlive it", what);
  return s->flags & GT_MAPPED ? gt__whole(s, what) : GT_OK;
}

void gt_storage_touch(gt_storage *s) { __atomic_add_fetch(&s->version, 1, __ATOMIC_RELAXED); }

void gt_storage_received(gt_storage *s) {
  if (s->dtype == GT_FLOAT) {
    float *p = s->ptr;
    for (int64_t i = 0; i < s->count; i++) p[i] = p[i] == p[i] ? p[i] : NAN;
  } else if (s->dtype == GT_DOUBLE) {
    double *p = s->ptr;
    for (int64_t i = 0; i < s->count; i++) p[i] = gt__for_lua(p[i]);
  }
  gt_storage_touch(s);
}
