#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fuzzes every target for a while, each beginning with what is committed and what earlier runs found;
# fails on any crash, leak, time-out, sanitizer's finding or property that does not hold.
#   tests/fuzz/run.sh [SECONDS [BUILD [TARGET...]]]
# 60 seconds and build/fuzz are the defaults. Findings go to BUILD/findings; one that is mended
# becomes an input of tests/fuzz/regressions/TARGET.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:-60}
build=${2:-$root/build/fuzz}
[ $# -lt 2 ] || shift
[ $# -lt 1 ] || shift

probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d == 0 && n; }' > "$probe/probe.c"
if ! clang -fsanitize=fuzzer,address "$probe/probe.c" -o "$probe/probe" 2> "$probe/log"; then
    echo "skipped: this clang has no libFuzzer (libclang-rt-dev):" >&2
    cat "$probe/log" >&2
    exit 77
fi

# Without threads and CLBlast, which nothing here is about.
[ -e "$build/build.ninja" ] ||
    CC=clang meson setup "$build" "$root" -Dfuzz=true -Db_sanitize=address,undefined \
        -Db_lundef=false -Dopenmp=disabled -Dclblast=disabled
meson compile -C "$build" fuzz
build=$(cd "$build" && pwd)

# Inputs become files: in memory if there is such a file system.
[ -w /dev/shm ] && TMPDIR=$(mktemp -d -p /dev/shm) || TMPDIR=$probe
export TMPDIR OPENBLAS_NUM_THREADS=1
trap 'rm -rf "$probe" "$TMPDIR"' EXIT

failed=
targets=${*:-cache command model_file state_file text}
for target in $targets; do
    program=$build/tests/fuzz/fuzz_$target
    [ -x "$program" ] || continue
    # What a hostile file makes a reader allocate is bounded by its size: 16 MB are plenty. Training
    # states and command lines may ask for what they like and be refused (harness.c).
    largest=16
    case $target in state_file | command) largest=2048 ;; esac
    mkdir -p "$build/corpus/$target" "$build/findings"
    set -- "$build/corpus/$target" "$here/corpus/$target"
    [ ! -d "$here/regressions/$target" ] || set -- "$@" "$here/regressions/$target"
    "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 \
        -malloc_limit_mb=$largest -max_len=32768 -dict="$here/$target.dict" -close_fd_mask=1 \
        -print_final_stats=1 -artifact_prefix="$build/findings/$target-" "$@" \
        2> "$build/findings/$target.log" || {
        tail -n 60 "$build/findings/$target.log" >&2
        echo "$target: failed; the input is in $build/findings" >&2
        failed=yes
        continue
    }
    echo "$target: $seconds s, nothing found;" \
        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/findings/$target.log") runs"
done
[ -z "$failed" ]
