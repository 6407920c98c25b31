#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds without the optional parts, with gcc and clang, unoptimised and optimised: each builds
# without a warning and passes tests. One of them, or with --all every one.
#   tests/builds.sh [--all]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

# check NAME COMPILER SUITES [MESON OPTION...]
check() {
    name=$1
    compiler=$2
    suites=$3
    shift 3
    echo "== $name: $compiler $*"
    directory=$root/build/matrix-$name
    [ -d "$directory" ] || CC=$compiler meson setup "$directory" "$root" --werror "$@" > /dev/null
    meson compile -C "$directory" --ninja-args=--quiet
    # shellcheck disable=SC2086 # several options
    meson test -C "$directory" --no-rebuild --num-processes 2 --print-errorlogs --no-suite slow $suites
}

# Inside of another Meson project, which needs what the library needs and no more.
check_subproject() {
    echo "== subproject"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/subprojects"
    ln -s "$root" "$work/subprojects/minrnn"
    cp "$root/tests/consumer/consumer.c" "$work"
    cat > "$work/meson.build" << 'MESON'
project('consumer', 'c', default_options: ['c_std=c17'])
executable('consumer', 'consumer.c', dependencies: dependency('minrnn', fallback: 'minrnn'))
MESON
    meson setup "$work/build" "$work" -Dminrnn:optimization=0 > /dev/null
    meson compile -C "$work/build" --ninja-args=--quiet
    "$work/build/consumer"
}

few="--suite host --suite golden --suite consumer"
without_opencl="--no-suite interop --no-suite rules"

check no-opencl-clang-O0 clang "$few" -Dopencl=disabled -Doptimization=0
[ "${1-}" = --all ] || exit 0
check no-opencl-gcc gcc "$without_opencl" -Dopencl=disabled
check no-clblast gcc "$few" -Dclblast=disabled
check no-openmp gcc "$few --suite cpu" -Dopenmp=disabled
for compiler in gcc clang; do
    for level in 0 3; do
        check "$compiler-O$level" "$compiler" "$few" -Doptimization="$level"
    done
done
check_subproject
