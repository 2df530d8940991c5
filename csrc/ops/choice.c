/* choice.c: the table that says by which way a convolution of a certain shape is computed, where one was measured to be faster
 * than what the rule in conv.c chooses. It is filled from files (gantry.h has their format) before anything is computed, and never by
 * what a run measures: the same table gives the same bits. */
#include "conv.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct entry { gt_conv_case key; int32_t way; } entry;
typedef struct list { gt__scratch memory; entry *entries; int count; } list;   /* sorted by key */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static list table;           /* what the lock guards; its count may be read without */

static const char *const way_names[] = {
  [GT__BY_UNROLLING] = "unrolling", [GT__BY_REFERENCE] = "reference", [GT__BY_TAPS] = "taps", [GT__BY_WINOGRAD] = "winograd",
  [GT__BY_FEW] = "few", [GT__BY_BF16] = "bf16"};
_Static_assert(sizeof way_names / sizeof *way_names == GT__WAYS, "every way has a name");
static const char *const levels[] = {"generic", "avx2", "avx512", "amx"};
static const char *const passes[] = {"forward", "input", "weight"};
static const char *const precisions[] = {[GT_FLOAT32] = "float32", [GT_BF16X3] = "bf16x3", [GT_BFLOAT16] = "bfloat16"};
enum { FEW_PRECISIONS = sizeof precisions / sizeof *precisions };

const char *gt_conv_way_name(int way) { return way >= 0 && way < GT__WAYS ? way_names[way] : NULL; }

/* ---- lists ----------------------------------------------------------------------------------------------------------- */

/* Where a key is, or has to be put. */
static int place(const list *l, const gt_conv_case *key, bool *found) {
  int low = 0, high = l->count;
  while (low < high) {
    int middle = (low + high) / 2, order = memcmp(&l->entries[middle].key, key, sizeof *key);
    if (order == 0) return *found = true, middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  *found = false;
  return low;
}

static int room(list *l) {
  if ((size_t)(l->count + 1) * sizeof *l->entries <= l->memory.capacity) return GT_OK;
  gt__scratch more;
  GT_TRY(gt__scratch_alloc(&more, (size_t)(2 * l->count + 16) * sizeof *l->entries));
  if (l->count) memcpy(more.ptr, l->entries, (size_t)l->count * sizeof *l->entries);
  if (l->memory.ptr) gt__scratch_free(&l->memory);
  l->memory = more;
  l->entries = more.ptr;
  return GT_OK;
}

static int put(list *l, const gt_conv_case *key, int way) {
  bool found;
  int at = place(l, key, &found);
  if (!found) {
    GT_TRY(room(l));
    memmove(l->entries + at + 1, l->entries + at, (size_t)(l->count - at) * sizeof *l->entries);
    l->count++;
  }
  l->entries[at] = (entry){*key, way};
  return GT_OK;
}

static void take_out(list *l, const gt_conv_case *key) {
  bool found;
  int at = place(l, key, &found);
  if (!found) return;
  l->count--;
  memmove(l->entries + at, l->entries + at + 1, (size_t)(l->count - at) * sizeof *l->entries);
}

static void discard(list *l) {
  if (l->memory.ptr) gt__scratch_free(&l->memory);
  *l = (list){0};
}

/* What is looked up: sizes as conv.c describes them, so that strides that nothing depends on are not told apart. */
static gt_conv_case key_of(const geometry *g, int dtype, gt__pass pass) {
  return (gt_conv_case){
    .pass = (int32_t)pass, .dtype = dtype, .n = (int32_t)g->n, .c = (int32_t)g->c, .h = (int32_t)g->h, .w = (int32_t)g->w, .o = (int32_t)g->o,
    .kh = (int32_t)g->kh, .kw = (int32_t)g->kw,
    .shape = {(int32_t)g->sh, (int32_t)g->sw, (int32_t)g->ph, (int32_t)g->pw, (int32_t)g->dh, (int32_t)g->dw, (int32_t)g->groups, g->precision},
  };
}

/* ---- looking up ------------------------------------------------------------------------------------------------------- */

int gt__chosen(const geometry *g, int dtype, gt__pass pass) {
  if (__atomic_load_n(&table.count, __ATOMIC_RELAXED) == 0) return -1;
  gt_conv_case key = key_of(g, dtype, pass);
  bool found;
  pthread_rwlock_rdlock(&lock);
  int at = place(&table, &key, &found), way = found ? table.entries[at].way : -1;
  pthread_rwlock_unlock(&lock);
  return way;
}

int gt_conv_can(const gt_conv_case *c, int way) {
  geometry g;
  return c->pass >= 0 && c->pass <= GT_CONV_WEIGHT && !gt__describe(&g, c) && gt__can(way, &g, c->dtype, (gt__pass)c->pass);
}

int gt_conv_way(const gt_conv_case *c) {
  geometry g;
  if (c->pass < 0 || c->pass > GT_CONV_WEIGHT || gt__describe(&g, c)) return -1;
  return gt__way_of(&g, c->dtype, (gt__pass)c->pass);
}

/* ---- changing -------------------------------------------------------------------------------------------------------- */

static int add(list *l, const gt_conv_case *c, int way) {
  geometry g;
  GT_TRY(gt__describe(&g, c));
  if (!gt__can(way, &g, c->dtype, (gt__pass)c->pass)) {
    return gt__fail(GT_EARG, "%s cannot compute this convolution", gt_conv_way_name(way) ? gt_conv_way_name(way) : "an unknown way");
  }
  gt_conv_case key = key_of(&g, c->dtype, (gt__pass)c->pass);
  return put(l, &key, way);
}

int gt_choices_set(const gt_conv_case *c, int way) {
  if (c->pass < 0 || c->pass > GT_CONV_WEIGHT) return gt__fail(GT_EARG, "choices: pass is %d, wanted 0 to 2", c->pass);
  geometry g;
  GT_TRY(gt__describe(&g, c));
  gt_conv_case key = key_of(&g, c->dtype, (gt__pass)c->pass);
  pthread_rwlock_wrlock(&lock);
  int code = GT_OK;
  if (way < 0) take_out(&table, &key);
  else code = add(&table, c, way);
  pthread_rwlock_unlock(&lock);
  return code;
}

void gt_choices_clear(void) {
  pthread_rwlock_wrlock(&lock);
  discard(&table);
  pthread_rwlock_unlock(&lock);
}

int gt_choices_count(void) { return __atomic_load_n(&table.count, __ATOMIC_RELAXED); }

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n) {
  const unsigned char *p = bytes;
  for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * UINT64_C(0x100000001b3);
  return h;
}

/* FNV-1a over the sorted entries, ways by their names. */
uint64_t gt_choices_hash(void) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  pthread_rwlock_rdlock(&lock);
  for (int i = 0; i < table.count; i++) {
    const char *name = gt_conv_way_name(table.entries[i].way);
    h = hash_bytes(h, &table.entries[i].key, sizeof table.entries[i].key);
    h = hash_bytes(h, name, strlen(name) + 1);
  }
  if (!table.count) h = 0;
  pthread_rwlock_unlock(&lock);
  return h;
}

/* ---- files ----------------------------------------------------------------------------------------------------------- */

static int index_of(const char *word, const char *const *names, int n) {
  for (int i = 0; i < n; i++)
    if (!strcmp(word, names[i])) return i;
  return -1;
}

static int way_named(const char *word) {
  for (int way = 0; gt_conv_way_name(way); way++)
    if (!strcmp(word, gt_conv_way_name(way))) return way;
  return -1;
}

enum { WORDS = 11, LONGEST = 15 };

/* One line without its comment; *level is -1 where it is empty. Leaves the reason in the thread's message. */
static int read_line(const char *line, int *level, gt_conv_case *c, int *way) {
  char word[WORDS + 1][LONGEST + 1];
  int n = 0, used;
  *level = -1;
  for (const char *p = line; n <= WORDS && sscanf(p, " %15s%n", word[n], &used) == 1; p += used) n++;
  if (n == 0) return GT_OK;
  if (n != WORDS) return gt__fail(GT_EFORMAT, "got %d words, wanted LEVEL PRECISION PASS N C HxW O KHxKW STRIDE PAD WAY", n > WORDS ? WORDS + 1 : n);
  int at = index_of(word[0], levels, 4), precision = index_of(word[1], precisions, FEW_PRECISIONS);
  bool is_double = !strcmp(word[1], "double");
  *c = (gt_conv_case){.pass = index_of(word[2], passes, 3), .dtype = is_double ? GT_DOUBLE : GT_FLOAT,
                      .shape = {.dil_h = 1, .dil_w = 1, .groups = 1, .precision = is_double ? GT_FLOAT32 : precision}};
  *way = way_named(word[10]);
  if (at < 0) return gt__fail(GT_EFORMAT, "the level is '%s', wanted generic, avx2, avx512 or amx", word[0]);
  if (precision < 0 && !is_double) return gt__fail(GT_EFORMAT, "the precision is '%s', wanted float32, bf16x3, bfloat16 or double", word[1]);
  if (c->pass < 0) return gt__fail(GT_EFORMAT, "the pass is '%s', wanted forward, input or weight", word[2]);
  if (*way < 0) return gt__fail(GT_EFORMAT, "there is no way called '%s'", word[10]);
  struct { int32_t *a, *b; } fields[] = {{&c->n, NULL}, {&c->c, NULL}, {&c->h, &c->w}, {&c->o, NULL}, {&c->kh, &c->kw},
                                         {&c->shape.stride_h, &c->shape.stride_w}, {&c->shape.pad_h, &c->shape.pad_w}};
  for (int i = 0; i < 7; i++) {
    char rest;
    const char *text = word[3 + i];
    int got = fields[i].b ? sscanf(text, "%9dx%9d%c", fields[i].a, fields[i].b, &rest) : sscanf(text, "%9d%c", fields[i].a, &rest);
    if (got != (fields[i].b ? 2 : 1)) return gt__fail(GT_EFORMAT, "got '%s', wanted %s", text, fields[i].b ? "two numbers as 4x4" : "a number");
  }
  *level = at;
  geometry g;
  return gt__describe(&g, c);
}

static int read_file(list *l, const char *path, FILE *file) {
  char line[256];
  for (int number = 1; fgets(line, sizeof line, file); number++) {
    gt_conv_case c;
    int level, way = -1, code = GT_OK;
    bool whole = strchr(line, '\n') || feof(file);
    if (strchr(line, '#')) *strchr(line, '#') = 0;
    else if (!whole) code = gt__fail(GT_EFORMAT, "the line is too long");
    if (!code) code = read_line(line, &level, &c, &way);
    if (!code && level == gt__cpu()) code = add(l, &c, way);
    if (code == GT_ENOMEM) return code;
    if (code) {
      char reason[256];
      snprintf(reason, sizeof reason, "%s", gt_last_error());
      return gt__fail(GT_EFORMAT, "%s:%d: %s", path, number, reason);
    }
    for (int ch; !whole && (ch = getc(file)) != EOF && ch != '\n';) {} /* the rest of a comment */
  }
  return ferror(file) ? gt__fail(GT_EIO, "%s: cannot be read: %s", path, strerror(errno)) : GT_OK;
}

int gt_choices_load(const char *path) {
  FILE *file = fopen(path, "rbe");
  if (!file) return gt__fail(GT_EIO, "%s: cannot be opened: %s", path, strerror(errno));
  list read = {0};
  int code = read_file(&read, path, file);
  fclose(file);
  pthread_rwlock_wrlock(&lock);
  for (int i = 0; i < read.count && !code; i++) code = put(&table, &read.entries[i].key, read.entries[i].way);
  pthread_rwlock_unlock(&lock);
  discard(&read);
  return code;
}
