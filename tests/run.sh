#!/bin/sh
# Installs what is missing, builds with gcc and clang, and runs all tests.
#   tests/run.sh [--no-install] [--slow]
# --slow adds the suites that take long (Oclgrind, all kernels built for GPUs). The builds are in build/.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

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

install_missing "$install" gcc g++ libc6-dev clang libclang-rt-dev libomp-dev clang-format \
    clang-tidy cmake meson ninja-build pkg-config \
    python3 python3-torch libopenblas-dev libcjson-dev libcmocka-dev ocl-icd-opencl-dev \
    opencl-headers libclblast-dev pocl-opencl-icd mesa-opencl-icd oclgrind \
    clang-15 libclc-15 llvm-spirv-15 spirv-tools

# build NAME [MESON OPTION...]: configures build/NAME where it is not, and builds it, warnings being
# errors.
build() {
    directory=$root/build/$1
    shift
    [ -d "$directory" ] || meson setup "$directory" "$root" --werror "$@"
    meson compile -C "$directory"
}

echo "== gcc: every test on every device"
build tests
# Tests share the cores: more than two at once only slow each other down.
# shellcheck disable=SC2086 # empty, or one option
meson test -C "$root/build/tests" --num-processes 2 --print-errorlogs $suites
python3 "$root/tests/skipped.py" "$root/build/tests"

echo "== clang, address and undefined-behaviour sanitizers: everything that needs no driver"
CC=clang build sanitized -Db_sanitize=address,undefined -Db_lundef=false
LSAN_OPTIONS=suppressions=$root/tests/leaks.txt:print_suppressions=0 \
    meson test -C "$root/build/sanitized" --num-processes 2 --print-errorlogs --no-suite slow \
    --no-suite pocl --no-suite rusticl --no-suite consumer --no-suite interop --no-suite rules

echo "== clang-format and clang-tidy"
find "$root/include" "$root/src" "$root/tests" -name '*.[ch]' -exec \
    clang-format --dry-run --Werror {} +
run-clang-tidy -quiet -p "$root/build/tests" "$root/src/.*" > "$root/build/clang-tidy.log" 2>&1 || {
    grep -E "warning:|error:" "$root/build/clang-tidy.log"
    exit 1
}
echo "all passed"
