#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to a trained model, in a few minutes.
#   bench/quickstart.sh [--no-install] [TEXT|copy] [-- OPTION...]
# TEXT is any UTF-8 text file, of which the model then writes more; without one, tiny Shakespeare is taken from
# ../shared/data or downloaded, and if it cannot be, this project's own sources and documents are the text.
# `copy` learns selective copying instead, the task of the paper's Tables 1 and 2, which needs no data.
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
            sed -n '3,10s/^# *//p' "$0"
            exit 0
            ;;
        --)
            shift
            break
            ;;
        -*) die "unknown option $1; there is --no-install, and -- before those of minrnn train" ;;
        *)
            [ -z "$text" ] || die "one text, please, not $text and $1"
            [ "$1" = copy ] || [ -r "$1" ] || die "cannot read the text $1"
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

# Runs train with the preset small on a text and the options given, and lets the model write.
learn_text() {
    model=$build/small.safetensors
    "$minrnn" train --preset small --out "$model" --overwrite "$@"
    echo
    "$minrnn" generate --model "$model" --length 400 --temperature 0.8 --seed 1
    echo
    echo "The model is $model. More of it:"
    echo "  $minrnn generate --model $model --prompt \"...\" --length 1000"
}

learn_copy() {
    model=$build/copy.safetensors
    "$minrnn" train --preset copy-small --keep best --stop-accuracy 0.99 --out "$model" --overwrite "$@"
    right=$("$minrnn" eval --model "$model" --split test | sed -n 's/^right *//p')
    echo
    echo "Of sequences that it never saw, the model named $right of the tokens hidden in noise; by chance: 7 %."
    echo "The model is $model."
}

install_missing "$install" gcc libc6-dev meson ninja-build pkg-config python3 libopenblas-dev libcjson-dev \
    ocl-icd-opencl-dev opencl-headers libclblast-dev || die "the packages could not be installed"

if [ -z "$text" ]; then
    [ -r "$root/../shared/data/tinyshakespeare.txt" ] || command -v curl > /dev/null ||
        command -v wget > /dev/null || install_missing "$install" curl ca-certificates || true
    text=$(shakespeare) ||
        echo "quickstart: no tiny Shakespeare: the text is this project's own sources and documents"
fi

[ -d "$build" ] || meson setup "$build" "$root" -Dtests=false -Dbuildtype=release
meson compile -C "$build"
minrnn=$build/src/cli/minrnn
"$minrnn" devices
case $text in
    copy) learn_copy "$@" ;;
    '') learn_text --data "$root/src" --data "$root/include" --data "$root/cl" --data "$root/README.md" \
        --data "$root/CONTRIBUTING.md" "$@" ;;
    *) learn_text --data "$text" "$@" ;;
esac
