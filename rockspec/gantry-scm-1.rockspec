rockspec_format = '3.0'
package = 'gantry'
version = 'scm-1'

-- For `luarocks make` in a checkout; `make rock TREE=T` calls it with Debian's Lua packages made known to it.
source = {url = 'git+file://.'}

description = {
  summary = 'Generative adversarial networks on a CPU, in Lua',
  detailed = [[
A toolkit for generative adversarial networks in the style of Torch: a C tensor and neural-network core, LuaJIT code on top of
it, recipes of a page each, and a command that trains them. Runs under LuaJIT 2.1 only.]],
  license = 'MIT',
}

supported_platforms = {'linux'}

dependencies = {
  'lua == 5.1', -- LuaJIT 2.1, whose betas LuaRocks takes for older than 2.1
  'luafilesystem >= 1.8',
  'lua-cjson >= 2.1',
  'lyaml >= 6.2',
  'argparse >= 0.7',
}

build = {
  type = 'make',
  build_target = 'all',
  install_target = 'install',
  install_variables = {
    INST_LUADIR = '$(LUADIR)',
    INST_LIBDIR = '$(LIBDIR)',
    INST_BINDIR = '$(BINDIR)',
  },
  copy_directories = {'docs', 'examples'},
}

-- bin/gantry is run by luajit and finds its files from where it lies.
deploy = {wrap_bin_scripts = false}
