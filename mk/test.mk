# Demonstration, tests, checks and benchmarks.
DEMO ?= runs/demo
ASAN := $(BUILD)-asan

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

lint: deps                       ## luacheck, and the C code with -Werror under gcc and, where there is one, clang
	luacheck -q lua recipes examples tests bench bin/gantry
	@set -e; for cc in gcc clang; do command -v $$cc >/dev/null || { echo "lint: no $$cc here, skipped"; continue; }; \
	  $(MAKE) --no-print-directory -s BUILD=$(BUILD)-lint-$$cc CC=$$cc OPT=-O2 WERROR=-Werror all tests-c; echo "lint: $$cc -Werror: clean"; done

bench: all $(BUILD)/bench/conv   ## time whole steps and their parts against PyTorch and other ways; prints ratios (BENCH=options)
	@sh bench/run.sh $(BENCH)
	@$(BUILD)/bench/conv

.PHONY: demo check test-c tests-c check-asan lint bench
