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

minrnn=$build/src/cli/minrnn
trace=$build/tests/kernels/trace
measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
outside=0

for preset; do
    # Before each: a shared machine is not as fast as it was a minute ago.
    limits=$("$build/tests/kernels/limits" opencl)
    limits="$limits compute_units=$(nproc) multiprocessors=$(nproc)"
    echo "== $preset" $limits
    "$minrnn" bench step --device opencl --preset "$preset" --profile --no-validate --format csv -r 3 \
        --warm-up 2 > "$measured"
    # shellcheck disable=SC2046,SC2086 # one word a limit
    python3 "$here/predict.py" --device cpu $(printf -- '--set %s ' $limits) --check "$measured" \
        "$trace" preset "$preset" || outside=1
done
exit $outside
