#!/bin/bash
# Writes a C file with the text of the given Lua modules: embed.sh FILE.lua... >stdlib.c
# A line of Lua becomes a line of C, so that the result can be read.
set -eu
export LC_ALL=C

cat <<'END'
/* Made by runtime/script/embed.sh from stdlib/: change those files, not this one. */
#include "script/stdlib.h"

END

list=
for file in "$@"; do
    name=$(basename "$file" .lua)
    printf 'static const char module_%s[] =\n' "$name"
    # A backslash before what C minds; `?` too, or "??=" would be a trigraph.
    sed -e 's/[\\"?]/\\&/g' -e 's/\t/\\t/g' -e 's/\r/\\r/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
    printf '    "";\n\n'
    list="$list    {\"$name\", module_$name, sizeof module_$name - 1},"$'\n'
done

printf 'const struct script_stdlib script_stdlib[] = {\n%s    {NULL, NULL, 0},\n};\n' "$list"
