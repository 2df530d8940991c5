# Demonstration, tests, checks and benchmarks.
DEMO ?= runs/demo
ASAN := $(BUILD)-asan
OLD_CPU := qemu-x86_64 -cpu qemu64
ARM64 := $(BUILD)-arm64
ARM64_ROOT := $(abspath $(ARM64))/packages/root
ARM64_LIBS := $(ARM64_ROOT)/usr/lib/aarch64-linux-gnu

demo: deps-run                   ## train a small DCGAN on drawn faces (a minute or two), then show samples and a walk
	@$(MAKE) --no-print-directory all
	@rm -rf $(DEMO)
	bin/gantry train dcgan --config demo --data scenes:faces --out $(DEMO)
	bin/gantry sample $(DEMO)
	bin/gantry walk $(DEMO)

check: deps                      ## build everything and run all tests
	@$(MAKE) --no-print-directory all
	@+sh tests/run.sh $(BUILD) $(FAILED_BEFORE)

test-c: $(CTESTS)
	@sh tests/c/run.sh $(CTESTS)

tests-c: $(CTESTS)

check-asan: deps                 ## C tests and a short training under ASan and UBSan
	@$(MAKE) --no-print-directory BUILD=$(ASAN) CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' \
	  all test-c
	@sh tests/asan-train.sh $(ASAN)

check-old-cpu: deps              ## C tests and a short training on the oldest x86-64 processor that qemu has, without AVX
	$(call install,qemu-user)
	@$(MAKE) --no-print-directory -s all tests-c
	@EMULATOR='$(OLD_CPU)' sh tests/c/run.sh $(CTESTS)
	@EMULATOR='$(OLD_CPU)' sh tests/short-train.sh $(BUILD) 'old CPU'

check-arm64: deps                ## C tests cross-compiled for arm64, under qemu
	$(call install,gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
	@sh tests/arm64-packages.sh $(ARM64)/packages
	@PKG_CONFIG_LIBDIR=$(ARM64_LIBS)/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(ARM64_ROOT) EMULATOR='qemu-aarch64 -L /usr/aarch64-linux-gnu' \
	  $(MAKE) --no-print-directory -s BUILD=$(ARM64) CC=aarch64-linux-gnu-gcc LDFLAGS='-Wl,-rpath,$(ARM64_LIBS)' \
	  CPPFLAGS='-I$(ARM64_ROOT)/usr/include -I$(ARM64_ROOT)/usr/include/aarch64-linux-gnu' test-c

lint: deps                       ## luacheck, and the C code with -Werror under gcc and, where there is one, clang
	luacheck -q lua recipes examples tests bench bin/gantry
	@set -e; for cc in gcc clang; do command -v $$cc >/dev/null || { echo "lint: no $$cc here, skipped"; continue; }; \
	  $(MAKE) --no-print-directory -s BUILD=$(BUILD)-lint-$$cc CC=$$cc OPT=-O2 WERROR=-Werror all tests-c; echo "lint: $$cc -Werror: clean"; done

bench: all $(BUILD)/bench/conv   ## time whole steps and their parts against PyTorch and other ways; prints ratios (BENCH=options)
	@sh bench/run.sh $(BENCH)
	@$(BUILD)/bench/conv

.PHONY: demo check test-c tests-c check-asan check-old-cpu check-arm64 lint bench
