# Installing: `make install PREFIX=P` for a prefix, `make rock TREE=T` for a LuaRocks tree. The same files either way:
# P/bin/gantry, P/lib/lua/5.1/libgantry.so and P/share/lua/5.1/gantry, the recipes in it.
PREFIX      ?= /usr/local
INST_LUADIR ?= $(PREFIX)/share/lua/5.1
INST_LIBDIR ?= $(PREFIX)/lib/lua/5.1
INST_BINDIR ?= $(PREFIX)/bin
TREE        ?=
ROCKSPEC    := rockspec/gantry-scm-1.rockspec

# Paths below lua/ and recipes/ that are installed.
LUA_FILES    = $(shell cd lua && find gantry -name '*.lua' -o -name '*.txt' | sort)
RECIPE_FILES = $(notdir $(wildcard recipes/*.lua recipes/*.yaml))

install: all                     ## install under PREFIX (default /usr/local)
	@set -e; for f in $(LUA_FILES); do install -D -m 644 "lua/$$f" "$(DESTDIR)$(INST_LUADIR)/$$f"; done
	@set -e; for f in $(RECIPE_FILES); do install -D -m 644 "recipes/$$f" "$(DESTDIR)$(INST_LUADIR)/gantry/recipes/$$f"; done
	@install -D -m 755 $(LIBRARY) "$(DESTDIR)$(INST_LIBDIR)/libgantry.so"
	@install -D -m 755 bin/gantry "$(DESTDIR)$(INST_BINDIR)/gantry"

# What Debian's packages provide, as rocks: name of the rock, of the package.
PROVIDED := luafilesystem=lua-filesystem lua-cjson=lua-cjson lyaml=lua-yaml argparse=lua-argparse readline=lua-readline

# LuaRocks does not see Debian's Lua packages; its configuration can name them. Upstream's version: no epoch, no Debian revision.
# The compiler is this Makefile's, so that what is built already is not built again.
rock-config:
	@mkdir -p $(BUILD)
	@{ echo "variables = {CC = '$(CC)'}"; echo 'rocks_provided = {'; \
	for pair in $(PROVIDED); do \
	  version=$$(dpkg-query -W -f='$${db:Status-Abbrev}$${Version}' "$${pair#*=}" 2>/dev/null | sed -n 's/^ii  *//; s/^[0-9]*://; s/[-+~].*//; p'); \
	  [ -z "$$version" ] || echo "  ['$${pair%%=*}'] = '$$version-1',"; \
	done; echo '}'; } >$(BUILD)/luarocks.lua

rock-tree:
	@test -n '$(TREE)' || { echo "rock: say where: make rock TREE=DIRECTORY" >&2; exit 1; }

rock: rock-tree                  ## install into the LuaRocks tree TREE=DIRECTORY
	$(call install,$(DEPS_BUILD) $(DEPS_RUN) $(DEPS_ROCK))
	@$(MAKE) --no-print-directory rock-config
	@LUAROCKS_CONFIG='$(abspath $(BUILD))/luarocks.lua' luarocks --lua-version 5.1 --tree '$(TREE)' make $(ROCKSPEC)

.PHONY: install rock rock-tree rock-config
