#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measures the paper's Figure 1 on a device and draws it.
#   bench/figure1.sh FOLDER [OPTION...]
# The options are those of minrnn bench figure1: --device, --time, --width, --mixer, --quick ... FOLDER gets
# figure1.csv, figure1.svg and figure1.png; what was in these is replaced. MINRNN is the program,
# build/src/cli/minrnn if it is not set. Needs Python 3 and gnuplot (Debian: gnuplot-nox).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
minrnn=${MINRNN:-$here/../build/src/cli/minrnn}
case ${1:-} in
'' | -*)
    echo "usage: bench/figure1.sh FOLDER [OPTION of minrnn bench figure1...]" >&2
    exit 2
    ;;
esac
folder=$1
shift
command -v gnuplot > /dev/null || {
    echo "figure1.sh: no gnuplot (Debian: apt-get install gnuplot-nox)" >&2
    exit 1
}

mkdir -p "$folder"
trap 'rm -f "$folder/figure1.csv.part"' EXIT
"$minrnn" bench figure1 --format csv "$@" > "$folder/figure1.csv.part"
mv "$folder/figure1.csv.part" "$folder/figure1.csv"
python3 "$here/figure1.py" "$folder/figure1.csv" "$folder"
