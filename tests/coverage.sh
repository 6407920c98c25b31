#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Line coverage of src/ by the default tests: a table of files, and failure below 90 %. The reasons
# for what is not covered are in CONTRIBUTING.md.
#   tests/coverage.sh [GCOVR_OPTION...]    e.g. --html-details build/coverage.html
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
directory=$root/build/coverage

# Threads count at once; what the processor has no level for is counted by the others.
[ -d "$directory" ] || CC=gcc meson setup "$directory" "$root" -Db_coverage=true -Doptimization=0 \
    -Dc_args=-fprofile-update=atomic > /dev/null
meson compile -C "$directory"
find "$directory" -name '*.gcda' -exec rm -f {} +
failed=
meson test -C "$directory" --setup long --num-processes 2 --print-errorlogs --no-suite rules \
    --no-suite rusticl --no-suite consumer || failed=yes # consumers cannot know gcov's symbols
gcovr --root "$root" --filter 'src/' --object-directory "$directory" --fail-under-line 90 "$@" \
    "$directory"
[ -z "$failed" ]
