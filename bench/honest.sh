#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Holds the model of predict.py against a CPU that is here, through PoCL: what it reaches at most
# goes in, what each op of the presets' steps takes is compared.
#   bench/honest.sh [BUILD] [PRESET...]
# BUILD is build. Exits with 1 if an op over 5 % of a step is outside 0.6 to 1.7. Nothing else should run.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- small shakespeare

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
outside=0

# measure SUBJECT NAME [OPTION...]: NAME.csv is what the subject prints.
measure() {
    subject=$1
    name=$2
    shift 2
    "$build/src/cli/minrnn" bench "$subject" --device opencl --no-validate --format csv "$@" > "$work/$name.csv"
}

for preset; do
    # Before each: a shared machine is not as fast as it was a minute ago.
    measure copy copy --bytes 128M
    measure gemm gemm
    measure launch launch
    measure step profile --preset "$preset" --profile -r 3 --warm-up 2
    echo "== $preset"
    python3 "$here/predict.py" --device cpu --measured "$work" --set "compute_units=$(nproc)" \
        --set "multiprocessors=$(nproc)" --check "$work/profile.csv" \
        "$build/tests/kernels/trace" preset "$preset" || outside=1
done
exit $outside
