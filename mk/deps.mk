# What Gantry needs of Debian: one list, used here, by `make check` and by CI.
DEPS_BUILD := gcc make pkg-config libpng-dev libjpeg62-turbo-dev zlib1g-dev
DEPS_RUN   := luajit libopenblas0-pthread lua-filesystem lua-cjson lua-yaml lua-argparse
DEPS_PROMPT := lua-readline
DEPS_ROCK  := luarocks
DEPS_TEST  := lua-busted lua-check tmux
DEPS       := $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_PROMPT) $(DEPS_ROCK) $(DEPS_TEST)

# Packages of the list that are not installed; everything, where there is no dpkg to ask.
missing = $(shell for p in $(1); do dpkg-query -W -f='$${Status}\n' $$p 2>/dev/null | grep -q '^install ok installed' || echo $$p; done)

# $(call install,LIST): as root or through sudo, saying what; elsewhere it prints what is missing and stops.
define install
	@set -e; need="$(call missing,$(1))"; \
	if [ -z "$$need" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "gantry needs the equivalents of these Debian packages: $$need" >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as=; elif command -v sudo >/dev/null; then as=sudo; \
	else echo "missing packages; as root, run: apt-get install $$need" >&2; exit 1; fi; \
	echo "installing: $$need"; \
	$$as apt-get update -q >/dev/null; \
	DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -q --no-install-recommends $$need >/dev/null
endef

deps:                            ## install what Gantry needs from Debian's packages (as root, or through sudo)
	$(call install,$(DEPS))

deps-run:
	$(call install,$(DEPS_BUILD) $(DEPS_RUN))

.PHONY: deps deps-run
