#!/bin/sh
# Installs what is missing, builds, and runs all tests.
#   tests/run.sh [--no-install] [--slow]
# --slow adds the suites that take long (Oclgrind, all shapes). The build is in build/tests.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/tests

. "$root/bench/packages.sh"

install=yes
suites=--no-suite=slow
for argument in "$@"; do
    case $argument in
        --no-install) install=no ;;
        --slow) suites= ;;
        *)
            echo "run.sh: unknown option $argument; there are --no-install and --slow" >&2
            exit 2
            ;;
    esac
done

install_missing "$install" gcc g++ clang clang-format clang-tidy cmake meson ninja-build pkg-config \
    python3 python3-torch libopenblas-dev libcjson-dev libcmocka-dev ocl-icd-opencl-dev \
    opencl-headers libclblast-dev pocl-opencl-icd mesa-opencl-icd oclgrind

[ -d "$build" ] || meson setup "$build" "$root" --werror
meson compile -C "$build"
# Tests that open devices share the cores; more than two at once only slow each other down.
# shellcheck disable=SC2086 # empty, or one option
meson test -C "$build" --num-processes 2 --print-errorlogs $suites
