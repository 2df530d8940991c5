std = "luajit"
max_line_length = 140
files["tests/**/*_spec.lua"].std = "+busted"
files["rockspec/*"].std = "+rockspec"
