#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the library into a temporary place, a path with a space, and uses it as a stranger would.
#
#     run.sh plain|sanitized|cmake|uninstalled BUILD_DIRECTORY SANITIZERS
#
# SANITIZERS is Meson's b_sanitize of that build, "none" if it is not instrumented. Exit code 77
# if a tool that the way needs is not there.
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

work=$(mktemp -d -t "minrnn consumer XXXXXX")
trap 'rm -rf "$work"' EXIT
unset LD_LIBRARY_PATH # Meson's, for programs that are not installed
if [ "$way" = uninstalled ]; then
    PKG_CONFIG_PATH=$build/meson-uninstalled
else
    meson install -C "$build" --no-rebuild --quiet --destdir "$work"
    # As if that place were the prefix.
    pc=$(find "$work" -name minrnn.pc)
    prefix=$work$(sed -n 's/^prefix=//p' "$pc" | tr -d '\\')
    sed -i "s,^prefix=.*,prefix=$(echo "$prefix" | sed 's/ /\\\\ /g')," "$pc"
    PKG_CONFIG_PATH=$(dirname "$pc")
fi
export PKG_CONFIG_PATH

# compile OPTION...: the consumer, as README.md says for a prefix that the loader does not know.
compile() {
    flags=$(pkg-config --cflags --libs minrnn)
    library=$(pkg-config --variable=libdir minrnn)
    [ "$way" != uninstalled ] || library=$build
    # Quoted for a shell, as pkg-config's words are.
    eval "$cc -std=c17 $* \"\$here/consumer.c\" -o \"\$work/consumer\" $flags -Wl,-rpath,$library"
}

sanitize=
if [ "$sanitizers" != none ]; then
    sanitize=-fsanitize=$sanitizers
fi

case $way in
plain | uninstalled)
    compile -Wall -Wextra -Werror $sanitize
    "$work/consumer"
    # Linked against the soname, not the development name.
    readelf -d "$work/consumer" | grep -q 'NEEDED.*libminrnn\.so\.0\.1\]'
    ;;
sanitized)
    [ "$sanitizers" = none ] || skip "the whole build is"
    # The leak checker sees every allocation of the process, the library's own included.
    echo 'int main(void) { return 0; }' >"$work/empty.c"
    $cc -fsanitize=address "$work/empty.c" -o "$work/empty" 2>/dev/null && "$work/empty" ||
        skip "no AddressSanitizer"
    compile -g -fsanitize=address
    ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="$LSAN_OPTIONS:print_suppressions=1" \
        "$work/consumer"
    ;;
cmake)
    command -v cmake >/dev/null || skip "no cmake"
    cmake -G Ninja -S "$here" -B "$work/cmake" -DCMAKE_C_FLAGS="$sanitize" >/dev/null
    cmake --build "$work/cmake" >/dev/null
    "$work/cmake/consumer"
    ;;
*)
    echo "usage: run.sh plain|sanitized|cmake|uninstalled BUILD_DIRECTORY SANITIZERS" >&2
    exit 2
    ;;
esac
