#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is installed is what README.md lists, under the names and versions that packages go by.
#
#     installed.sh BUILD_DIRECTORY HEADER_DIRECTORY VERSION WITH_OPENCL
set -eu
build=$1
headers=$2
version=$3
opencl=$4

fail() {
    echo "$1" >&2
    exit 1
}

for tool in meson pkg-config readelf; do
    command -v "$tool" >/dev/null || {
        echo "skipped: no $tool"
        exit 77
    }
done

work=$(mktemp -d -t "minrnn installed XXXXXX")
unset LD_LIBRARY_PATH # Meson's, for programs that are not installed
trap 'rm -rf "$work"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$work/root"
pc=$(find "$work/root" -name minrnn.pc)
[ -f "$pc" ] || fail "no minrnn.pc"
lib=$(dirname "$(dirname "$pc")")
prefix=$(dirname "$(dirname "$(find "$work/root" -name minrnn -type f)")")

# ---- the files ----
libfolder=${lib#"$prefix"/}
{
    echo bin/minrnn
    for name in libminrnn.so libminrnn.so.0.1 "libminrnn.so.$version" pkgconfig/minrnn.pc; do
        echo "$libfolder/$name"
    done
    for header in "$headers"/*.h; do
        name=$(basename "$header")
        [ "$name" = opencl.h ] && [ "$opencl" != true ] || echo "include/minrnn/$name"
    done
} | sort >"$work/expected"
(cd "$prefix" && find . \( -type f -o -type l \) | sed 's,^\./,,' | sort) >"$work/installed"
diff "$work/expected" "$work/installed" || fail "expected (<) and installed (>) files differ"
[ "$(find "$work/root" -type f -o -type l | wc -l)" = "$(wc -l <"$work/installed")" ] ||
    fail "files are installed outside the prefix"

# ---- the soname, and links that lead to the library ----
readelf -d "$lib/libminrnn.so" | grep -q 'SONAME.*\[libminrnn\.so\.0\.1\]' ||
    fail "the soname is not libminrnn.so.0.1"
for link in libminrnn.so libminrnn.so.0.1; do
    [ "$(readlink -f "$lib/$link")" = "$(readlink -f "$lib/libminrnn.so.$version")" ] ||
        fail "$link does not lead to libminrnn.so.$version"
done

# ---- versions: the build's, pkg-config's, the header's, the library's ----
PKG_CONFIG_PATH=$lib/pkgconfig
export PKG_CONFIG_PATH
[ "$(pkg-config --modversion minrnn)" = "$version" ] || fail "minrnn.pc has another version"
[ "$("$prefix/bin/minrnn" --version)" = "minrnn $version" ] || fail "minrnn --version is not $version"
# Through a link, from another folder, to another place: the program finds its library.
ln -s "$prefix/bin/minrnn" "$work/link"
[ "$(cd / && "$work/link" --version)" = "minrnn $version" ] || fail "not through a link"
mv "$prefix" "$work/moved"
[ "$("$work/moved/bin/minrnn" --version)" = "minrnn $version" ] || fail "not where it was moved to"
mv "$work/moved" "$prefix"

# ---- pkg-config: the public library and headers, no dependency that users need not link ----
real=${prefix#"$work/root"}
[ "$(pkg-config --variable=includedir minrnn)" = "$real/include" ] || fail "another includedir"
[ "$(pkg-config --variable=libdir minrnn)" = "$real/$libfolder" ] || fail "another libdir"
[ "$(pkg-config --libs-only-l minrnn | tr -d ' ')" = -lminrnn ] || fail "more than -lminrnn"
[ "$(pkg-config --print-requires minrnn)" = "" ] || fail "packages are required"
echo "$(wc -l <"$work/installed") files"
