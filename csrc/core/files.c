/* files.c: files written whole or not at all, pieces of files read, terminals, a clock, and the hash that names weights. */
#include "core.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t left) {
  while (left) {
    ssize_t done = write(fd, data, left < (1u << 30) ? left : 1u << 30);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    data += done;
    left -= (size_t)done;
  }
  return 0;
}

/* After a rename only the directory's own sync makes the new name survive a power cut. File systems that cannot are let be. */
static void sync_directory_of(const char *path) {
  char *copy = strdup(path);
  if (!copy) return;
  char *slash = strrchr(copy, '/');
  if (slash) slash[slash == copy ? 1 : 0] = 0;
  int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY);
  if (fd >= 0) {
    (void)fsync(fd);
    close(fd);
  }
  free(copy);
}

int gt_file_replace(const char *path, int n, const void *const *parts, const double *bytes) {
  size_t length = strlen(path) + 32;
  char *temporary = malloc(length);
  if (!temporary) return gt__fail(GT_ENOMEM, "%s: no memory for its name", path);
  snprintf(temporary, length, "%s.tmp-%ld", path, (long)getpid());
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  int failed = fd < 0;
  for (int i = 0; i < n && !failed; i++) failed = write_all(fd, parts[i], (size_t)bytes[i]) != 0;
  if (!failed) failed = fsync(fd) != 0;
  int reason = failed ? errno : 0;
  if (fd >= 0 && close(fd) != 0 && !failed) failed = 1, reason = errno;
  if (!failed && rename(temporary, path) != 0) failed = 1, reason = errno;
  if (failed && fd >= 0) unlink(temporary);
  free(temporary);
  if (failed) return gt__fail(GT_EIO, "%s: cannot be written: %s", path, strerror(reason));
  sync_directory_of(path);
  return GT_OK;
}

int gt_file_commit(const char *temporary, const char *path) {
  int fd = open(temporary, O_RDONLY | O_CLOEXEC);
  int failed = fd < 0 || fsync(fd) != 0, reason = errno;
  if (fd >= 0) close(fd);
  if (!failed && rename(temporary, path) != 0) failed = 1, reason = errno;
  if (failed) return gt__fail(GT_EIO, "%s: cannot be written: %s", path, strerror(reason));
  sync_directory_of(path);
  return GT_OK;
}

int gt_file_read(void *into, const char *path, double offset, double bytes) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return gt__fail(GT_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  size_t done = 0, wanted = (size_t)bytes;
  while (done < wanted) {
    ssize_t got = pread(fd, (char *)into + done, wanted - done, (off_t)offset + (off_t)done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      int code = got < 0 ? gt__fail(GT_EIO, "%s: cannot be read: %s", path, strerror(errno))
                         : gt__fail(GT_EFORMAT, "%s: ends after %.0f bytes, wanted %.0f", path, offset + (double)done, offset + bytes);
      close(fd);
      return code;
    }
    done += (size_t)got;
  }
  close(fd);
  return GT_OK;
}

double gt_file_size(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 && S_ISREG(about.st_mode) ? (double)about.st_size : -1;
}

int32_t gt_terminal_columns(int fd) {
  if (!isatty(fd)) return 0;
  struct winsize size;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int32_t gt_process(void) { return (int)getpid(); }

double gt_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits, over the elements in logical order, so that the memory's layout does not matter. */
int gt_hash(uint64_t *hash, const gt_tensor *t) {
  gt_tensor tmp = gt__blank(GT_FLOAT);
  const gt_tensor *c;
  GT_TRY(gt__usable(t, "hash"));
  int code = gt__contiguous(&c, &tmp, t);
  if (!code) {
    const unsigned char *p = gt__data(c);
    size_t n = p ? (size_t)gt__numel(c) * gt_dtype_size(c->dtype) : 0;
    uint64_t h = *hash ? *hash : UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    *hash = h;
  }
  gt__reset(&tmp);
  return code;
}
