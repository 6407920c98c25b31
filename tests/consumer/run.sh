#!/bin/sh
# Installs the library into a temporary place and uses it as a stranger would.
#
#     run.sh plain|sanitized|cmake BUILD_DIRECTORY SANITIZERS
#
# SANITIZERS is Meson's b_sanitize of that build, "none" where it is not instrumented. Exit code 77 where a tool that the way needs is not there.
set -eu

way=$1
build=$2
sanitizers=$3
here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc} # several words, with ccache before the compiler or an option behind it

skip() {
    echo "skipped: $1"
    exit 77
}

command -v meson >/dev/null || skip "no meson to install with"
command -v pkg-config >/dev/null || skip "no pkg-config"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$work/root"

# Everything is found below the temporary root; pkg-config puts it before the paths it prints.
pc=$(find "$work/root" -name minrnn.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$work/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
flags=$(pkg-config --cflags --libs minrnn)

sanitize=
if [ "$sanitizers" != none ]; then
    sanitize=-fsanitize=$sanitizers
fi

case $way in
plain)
    # shellcheck disable=SC2086
    $cc -std=c17 -Wall -Wextra -Werror $sanitize "$here/consumer.c" -o "$work/consumer" $flags
    "$work/consumer"
    # Linked against the soname, not the development name.
    readelf -d "$work/consumer" | grep -q 'NEEDED.*libminrnn\.so\.0'
    ;;
sanitized)
    [ "$sanitizers" = none ] || skip "the whole build is"
    # The leak checker sees every allocation of the process, the library's own included.
    echo 'int main(void) { return 0; }' >"$work/empty.c"
    $cc -fsanitize=address "$work/empty.c" -o "$work/empty" 2>/dev/null && "$work/empty" ||
        skip "no AddressSanitizer"
    # shellcheck disable=SC2086
    $cc -std=c17 -g -fsanitize=address "$here/consumer.c" -o "$work/consumer" $flags
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="suppressions=$here/../leaks.txt:print_suppressions=1" \
        "$work/consumer"
    ;;
cmake)
    command -v cmake >/dev/null || skip "no cmake"
    cmake -G Ninja -S "$here" -B "$work/cmake" -DCMAKE_C_FLAGS="$sanitize" >/dev/null
    cmake --build "$work/cmake" >/dev/null
    "$work/cmake/consumer"
    ;;
*)
    echo "usage: run.sh plain|sanitized|cmake BUILD_DIRECTORY SANITIZERS" >&2
    exit 2
    ;;
esac
