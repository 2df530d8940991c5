# Gantry: `make help` lists what there is. Nothing is installed except by `make deps`, and that only from Debian's packages.

VERSION  := 0.1.0
CC       ?= cc
BUILD    ?= build
OPT      ?= -O3
WARN     := -Wall -Wextra
WERROR   ?=
CSTD     := -std=c11 -D_GNU_SOURCE -fvisibility=hidden -fPIC -pthread
# No errno and no traps from maths lets the compiler vectorise; contraction stays off so that every compiler gives the same bits.
FPFLAGS  := -fno-math-errno -fno-trapping-math -ffp-contract=off
CFLAGS   ?= $(OPT) -g
PKGS     := libpng libjpeg zlib
# Asked once, and only where something is compiled.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
ALLFLAGS   = $(CSTD) $(CFLAGS) $(FPFLAGS) $(WARN) $(WERROR) -DGANTRY_VERSION='"$(VERSION)"' -I$(BUILD) $(PKG_CFLAGS) $(CPPFLAGS)
LIBS       = $(PKG_LIBS) -lm -ldl -pthread
FLAGS      = $(CC) $(ALLFLAGS) $(LDFLAGS)

# Only the kernels of a CPU level are compiled for it; everything else runs on any processor. There, contraction makes
# the fused multiply-adds of products; the loops go without, and give the same bits at every level.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine)),)
$(BUILD)/kernels/%_avx2.o: LEVELFLAGS = -mavx2 -mfma -ffp-contract=fast
$(BUILD)/kernels/%_avx512.o: LEVELFLAGS = -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512cd -mavx2 -mfma -ffp-contract=fast
$(BUILD)/kernels/loops_avx2.o: LEVELFLAGS = -mavx2
$(BUILD)/kernels/loops_avx512.o: LEVELFLAGS = -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512cd -mavx2
$(BUILD)/kernels/%_amx.o: LEVELFLAGS = -mamx-tile -mamx-bf16 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx512cd -mavx2 -mfma -ffp-contract=fast
endif

SOURCES  := $(wildcard csrc/core/*.c csrc/ops/*.c csrc/kernels/*.c csrc/data/*.c)
OBJECTS  := $(SOURCES:csrc/%.c=$(BUILD)/%.o)
LIBRARY  := $(BUILD)/libgantry.so
CTESTS   := $(patsubst tests/c/%.c,$(BUILD)/tests/%,$(wildcard tests/c/test_*.c))

all: $(LIBRARY)                  ## build the library; bin/gantry then runs from here

# nodelete: LuaJIT unloads libraries when it exits, while the pool's threads still run and finalizers are still to come.
$(LIBRARY): $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-z,nodelete $(CFLAGS) $(LDFLAGS) -o $@.tmp $(OBJECTS) $(LIBS) && mv $@.tmp $@

# The compiler and its flags: a change of them compiles everything again.
$(BUILD)/flags: always
	@mkdir -p $(@D)
	@printf '%s ' $(FLAGS) | cmp -s - $@ || printf '%s ' $(FLAGS) >$@

# The libraries' headers, before any of many files does not find them.
packages:
	@command -v pkg-config >/dev/null || { echo "gantry: pkg-config is missing; 'make deps' installs what the build needs" >&2; exit 1; }
	@pkg-config --print-errors --exists $(PKGS) || { echo "gantry: 'make deps' installs what the build needs" >&2; exit 1; }

$(BUILD)/flags $(OBJECTS): | packages

$(BUILD)/%.o: csrc/%.c Makefile $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LEVELFLAGS) -MMD -MP -c -o $@ $<

# What Lua sees of gantry.h, as C string literals, so that the two cannot drift apart.
$(BUILD)/cdef.inc: csrc/gantry.h Makefile
	@mkdir -p $(@D)
	@awk '/CDEF END/ {on = 0} on {gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "\"%s\\n\"\n", $$0} /CDEF BEGIN/ {on = 1}' $< >$@

$(BUILD)/core/error.o: $(BUILD)/cdef.inc

$(BUILD)/tests/%: tests/c/%.c tests/c/test.h $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LIBS)

$(BUILD)/bench/%: bench/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(OBJECTS) $(LIBS)

-include $(OBJECTS:.o=.d)

include mk/deps.mk
include mk/figures.mk
include mk/rock.mk
include mk/test.mk

clean:                           ## remove everything that was built
	rm -rf $(BUILD) $(BUILD)-*

help:                            ## this list
	@awk -F ':|## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$NF}' $(MAKEFILE_LIST)

.PHONY: all clean help packages always
.DELETE_ON_ERROR:
