#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draws learning curves from logs of minrnn train.
#   bench/plot.sh NAME [--accuracy] [--title TEXT] LOG...
# Writes NAME.svg and NAME.png: of each LOG the training loss, smoothed, and the validation loss with a dot an
# evaluation; with --accuracy the validation accuracy instead. Needs Python 3 and gnuplot (Debian: gnuplot-nox).
set -eu

command -v gnuplot > /dev/null || {
    echo "plot.sh: no gnuplot (Debian: apt-get install gnuplot-nox)" >&2
    exit 1
}
exec python3 "$(dirname "$0")/plot.py" "$@"
