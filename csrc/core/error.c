/* error.c: error codes, the thread's last message, the library's version and its embedded cdef block. */
#include "core.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_message[512];

int gt__fail(int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(last_message, sizeof last_message, format, args);
  va_end(args);
  return code;
}

const char *gt_last_error(void) { return last_message; }

#define ERROR_TEXT(name, code, text) [code] = text,
static const char *const error_texts[] = {GT_ERRORS(ERROR_TEXT)};

const char *gt_error_name(int code) { return code >= 0 && code < GT_ERROR_LAST ? error_texts[code] : "unknown error"; }

int gt_abi(void) { return GT_ABI; }
const char *gt_version(void) { return GANTRY_VERSION; }

/* The block between CDEF BEGIN and CDEF END of gantry.h, as C string literals, made by the Makefile. */
const char *gt_cdef(void) {
  static const char text[] =
#include "cdef.inc"
      ;
  return text;
}

const char *gt__shape(gt__shape_text *buffer, const gt_tensor *t) {
  char *p = buffer->text, *end = p + sizeof buffer->text;
  if (t->rank == 0) return "empty";
  *p = 0;
  for (int d = 0; d < t->rank && p < end - 24; d++) p += sprintf(p, d ? "x%lld" : "%lld", (long long)t->shape[d]);
  return buffer->text;
}

const char *gt__dtype_name(int dtype) {
  static const char *const names[] = {"Byte", "Char", "Short", "Int", "Long", "Float", "Double"};
  return dtype >= 0 && dtype < GT_DTYPES ? names[dtype] : "unknown";
}
