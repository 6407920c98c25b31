#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a trained model that writes text, in a few minutes.
#   bench/quickstart.sh [--no-install] [TEXT] [-- OPTION...]
# TEXT is any UTF-8 text file; without one, tiny Shakespeare is taken from ../shared/data or downloaded.
# OPTIONs are those of `minrnn train`, such as --steps 100. MINRNN_DEVICE chooses the device (see
# `minrnn devices`). Everything it makes is under build/.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/quickstart
shakespeare_url=https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt
shakespeare_sha256=86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed

. "$root/bench/packages.sh"

die() {
    echo "quickstart: $*" >&2
    exit 1
}

install=yes
text=
while [ $# -gt 0 ]; do
    case $1 in
        --no-install) install=no ;;
        --help)
            sed -n '3,7s/^# *//p' "$0"
            exit 0
            ;;
        --)
            shift
            break
            ;;
        -*) die "unknown option $1; there is --no-install, and -- before those of minrnn train" ;;
        *)
            [ -z "$text" ] || die "one text, please, not $text and $1"
            [ -r "$1" ] || die "cannot read the text $1"
            text=$1
            ;;
    esac
    shift
done

sha256_of() {
    sha256sum "$1" | cut -d ' ' -f 1
}

# Prints the path of tiny Shakespeare, downloading it if there is no copy.
shakespeare() {
    copy=$root/../shared/data/tinyshakespeare.txt
    if [ ! -r "$copy" ]; then
        copy=$root/build/tinyshakespeare.txt
        mkdir -p "$root/build"
        if [ ! -r "$copy" ]; then
            if command -v curl > /dev/null; then
                curl -fsSL -o "$copy.part" "$shakespeare_url" || return 1
            elif command -v wget > /dev/null; then
                wget -q -O "$copy.part" "$shakespeare_url" || return 1
            else
                return 1
            fi
            mv "$copy.part" "$copy"
        fi
    fi
    if [ "$(sha256_of "$copy")" != "$shakespeare_sha256" ]; then
        echo "quickstart: $copy is not tiny Shakespeare (its sha256 differs)" >&2
        return 1
    fi
    echo "$copy"
}

[ -n "$text" ] || [ -r "$root/../shared/data/tinyshakespeare.txt" ] || download="curl ca-certificates"
# shellcheck disable=SC2086 # one word a package
install_missing "$install" ${download-} gcc libc6-dev meson ninja-build pkg-config python3 libopenblas-dev libcjson-dev \
    ocl-icd-opencl-dev opencl-headers libclblast-dev || die "the packages could not be installed"

if [ -z "$text" ]; then
    text=$(shakespeare) || die "no text: the download failed; give one: bench/quickstart.sh FILE"
fi

[ -d "$build" ] || meson setup "$build" "$root" -Dtests=false -Dbuildtype=release
meson compile -C "$build"

minrnn=$build/src/cli/minrnn
model=$build/small.safetensors
"$minrnn" devices
"$minrnn" train --preset small --data "$text" --out "$model" --overwrite "$@"
echo
"$minrnn" generate --model "$model" --length 400 --temperature 0.8 --seed 1
echo
echo "The model is $model. More of it:"
echo "  $minrnn generate --model $model --prompt \"...\" --length 1000"
