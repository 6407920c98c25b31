#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds with gcc and clang, and runs all tests.
#   tests/run.sh [--no-install] [--slow] [STAGE...]
# --slow adds what takes long: Oclgrind, kernels built for GPUs, devices that pretend to be others,
# fuzzing, every fault, valgrind over more, every build, coverage. Stages are tests, sanitized,
# threads, valgrind, builds, coverage and style; without any named, all run, coverage with --slow
# alone. The builds are in build/.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)

. "$root/bench/packages.sh"

install=yes
slow=
stages=
for argument in "$@"; do
    case $argument in
        --no-install) install=no ;;
        --slow) slow=yes ;;
        tests | sanitized | threads | valgrind | builds | coverage | style)
            stages="$stages $argument" ;;
        *)
            echo "run.sh: unknown argument $argument; its first lines say what there is" >&2
            exit 2
            ;;
    esac
done
[ -n "$stages" ] || stages="tests sanitized threads valgrind builds ${slow:+coverage} style"

install_missing "$install" gcc g++ libc6-dev clang libclang-rt-dev libomp-dev clang-format \
    clang-tidy cmake meson ninja-build pkg-config valgrind ${slow:+gcovr} \
    python3 python3-torch libopenblas-dev libcjson-dev libcmocka-dev ocl-icd-opencl-dev \
    opencl-headers libclblast-dev pocl-opencl-icd mesa-opencl-icd oclgrind \
    clang-15 libclc-15 llvm-spirv-15 spirv-tools doxygen gnuplot-nox

# configure NAME [MESON OPTION...]: configures build/NAME if it is not there. Warnings are errors.
configure() {
    directory=$root/build/$1
    shift
    [ -d "$directory" ] || meson setup "$directory" "$root" --werror "$@"
}

# build NAME [MESON OPTION...]: configures build/NAME if it is not there, and builds all of it.
build() {
    configure "$@"
    meson compile -C "$directory"
}

# check NAME [MESON OPTION...]: builds what tests of build/NAME need, and runs them. They share the
# cores: more than two at once only slow each other down.
check() {
    directory=$root/build/$1
    shift
    meson test -C "$directory" --num-processes 2 --print-errorlogs "$@"
}

run_tests() {
    echo "== gcc: every test on every device"
    build tests
    if [ -n "$slow" ]; then
        check tests --setup all
    else
        check tests --setup long
    fi
    python3 "$root/tests/skipped.py" "$root/build/tests"
}

run_sanitized() {
    echo "== clang, address and undefined-behaviour sanitizers: every test that runs compiled code"
    CC=clang build sanitized -Db_sanitize=address,undefined -Db_lundef=false
    if [ -n "$slow" ]; then
        check sanitized --setup long --no-suite rules
        check sanitized --setup all 'faults pocl opencl' 'faults pocl files' 'faults pocl memory'
    else
        check sanitized --no-suite rules --no-suite rusticl
        check sanitized --setup long opencl layers clblast allocation tune threads-pocl bench-pocl bench-on-pocl
    fi
}

run_threads() {
    echo "== clang, thread sanitizer: unit tests, on the CPU and through PoCL"
    CC=clang configure threads -Db_sanitize=thread -Db_lundef=false
    if [ -n "$slow" ]; then
        check threads --setup long --no-suite slow --no-suite rusticl --suite unit --suite golden
    else
        check threads --setup long threads-cpu threads-pocl clblast_threads cpu_threads trainer-cpu gradients-cpu \
            records-cpu model-cpu golden-cpu
    fi
}

run_valgrind() {
    echo "== valgrind: the host's code"
    build tests
    if [ -n "$slow" ]; then
        check tests --setup valgrind --suite host --suite unit --suite golden --suite examples \
            --no-suite slow --no-suite pocl --no-suite rusticl
    else
        check tests --setup valgrind --suite host
    fi
}

run_builds() {
    "$root/tests/builds.sh" ${slow:+--all}
}

run_coverage() {
    "$root/tests/coverage.sh"
}

run_style() {
    echo "== clang-format and clang-tidy"
    find "$root/include" "$root/src" "$root/tests" -name '*.[ch]' -exec \
        clang-format --dry-run --Werror {} +
    build tests
    python3 "$root/tests/each_source_once.py" "$root/build/tests" "$root/build/tidy"
    run-clang-tidy -quiet -p "$root/build/tidy" "$root/src/.*" > "$root/build/clang-tidy.log" 2>&1 || {
        grep -E "warning:|error:" "$root/build/clang-tidy.log"
        exit 1
    }
}

for stage in $stages; do
    "run_$stage"
done
echo "all passed"
