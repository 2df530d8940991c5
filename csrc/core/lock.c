/* lock.c: a file that one process holds at a time. The kernel lets go of it when the holder ends, however it ends, so that a
 * lock is never stale; the holder's number is in the file for messages. */
#include "core.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int gt_file_lock(int *held, double *holder, const char *path) {
  *held = -1;
  *holder = 0;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return gt__fail(GT_EIO, "%s: cannot be written: %s", path, strerror(errno));
  int failed;
  do failed = flock(fd, LOCK_EX | LOCK_NB);
  while (failed && errno == EINTR);
  char text[32] = "";
  if (failed && errno == EWOULDBLOCK) {
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    *holder = n > 0 ? strtod(text, NULL) : 0;
    close(fd);
    return GT_OK;
  }
  /* File systems without locks are let be: one process at a time is then the user's care. */
  int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
  if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, text, (size_t)n, 0);
  *held = fd;
  return GT_OK;
}

void gt_file_unlock(int held) {
  if (held >= 0) close(held);
}
