#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shared library exports what the public headers declare, and nothing else.
#
#     symbols.sh LIBRARY HEADER_DIRECTORY WITH_OPENCL
set -eu
library=$1
headers=$2
opencl=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$library" | awk '{print $NF}' | sort >"$work/exported"
for header in "$headers"/*.h; do
    if [ "$(basename "$header")" = opencl.h ] && [ "$opencl" != true ]; then
        continue
    fi
    # A declaration is "MINRNN_API type name(...);", on one line or several.
    tr '\n' ' ' <"$header" | grep -o 'MINRNN_API [^(;]*(' | grep -o 'minrnn_[a-z0-9_]* *($' |
        tr -d ' (' || true
done | sort >"$work/declared"

if ! diff "$work/declared" "$work/exported" >"$work/differences"; then
    echo "declared (<) and exported (>) differ:"
    cat "$work/differences"
    exit 1
fi
echo "$(wc -l <"$work/exported") symbols"
