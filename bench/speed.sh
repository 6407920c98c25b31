#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Training speed of the two presets, as CSV: the table in README.md.
#   bench/speed.sh MINRNN TEXT [DEVICE...]      (devices: cpu and opencl if none is named)
# The median step of a short run, the first four left out; presets and devices alternate through three
# rounds, and the best round counts, since other programs only ever slow one down.
set -eu

[ $# -ge 2 ] || {
    sed -n '3,6s/^# //p' "$0" >&2
    exit 2
}
minrnn=$1
text=$2
shift 2
[ $# -gt 0 ] || set -- cpu opencl

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure PRESET DEVICE STEPS: tokens per second, the median over the steps of one run.
measure() {
    "$minrnn" train --preset "$1" --device "$2" --data "$text" --steps "$3" --eval-batches 1 \
        --eval-every 0 --save-every 0 --log "$work/log.csv" --out "$work/model" > /dev/null
    awk -F , '$1 > 4 { print $5 }' "$work/log.csv" | sort -n |
        awk '{ speed[NR] = $1 } END { print speed[int((NR + 1) / 2)] }'
    rm -f "$work"/*
}

for round in 1 2 3; do
    for device in "$@"; do
        echo "small,$device,4096,$(measure small "$device" 60)"
        echo "shakespeare,$device,16384,$(measure shakespeare "$device" 12)"
    done
done | sort -t , -k 1,1 -k 2,2 -k 4,4nr | awk -F , '
    BEGIN { print "preset,device,tokens_per_step,tokens_per_second,seconds_per_step" }
    !seen[$1 $2]++ { printf "%s,%s,%d,%d,%.3f\n", $1, $2, $3, $4, $3 / $4 }'
