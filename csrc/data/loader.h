/* loader.h: a loader's insides, shared by the sources and the batches. */
#ifndef GANTRY_LOADER_H
#define GANTRY_LOADER_H
#include "image.h"
#include <pthread.h>

enum { GT__FROM_FILES, GT__FROM_IMAGES, GT__FROM_SCENES };
/* What is known of a picture: nothing, being made, kept in the cache, unreadable. */
enum { GT__UNSEEN, GT__BUSY, GT__KEPT, GT__UNREADABLE };

struct gt_loader {
  gt_load_options options;
  int refs;                        /* atomic */
  int source;
  int64_t size, bytes;             /* pictures; bytes of one as it is made and kept */
  int h, w;                        /* as it is made: larger than the options' where parts are shown */
  char *names;                     /* files: all names, and where each readable one begins and its number in the list given */
  int64_t *name_at, *origin;
  gt_tensor images;                /* images: the tensor */
  int kind;                        /* scenes */
  uint64_t seed;
  uint8_t *state;                  /* per picture, atomic */
  gt__scratch cache;               /* the first `kept` pictures' bytes */
  int64_t kept;
  double cached;                   /* bytes in use; atomic through lock */
  pthread_mutex_t lock;            /* guards reasons and cached */
  char **reasons;
  int reason_count;
};

/* Makes picture i into channels x height x width bytes at out, from the cache where it is there. position: where it stands in
 * the order of training, which decides on mirroring and the part that is shown; NULL: all of it, as it is. */
int gt__loader_make(uint8_t *out, gt_loader *l, int64_t i, const int64_t *position);
/* Whether a failure is that of one picture among many: a file that cannot be read. */
bool gt__loader_skips(const gt_loader *l, int code);
void gt__loader_retain(gt_loader *l);
#endif
