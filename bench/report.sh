#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs minrnn bench report and puts what it writes into bench/results/NAME, in the place of what was there.
#   bench/report.sh [NAME] [OPTION of minrnn bench report...]
# NAME is made of the device's, if it is not given. If there are Python 3 and the program trace, which a build
# with tests has, what was predicted of the presets' steps stands beside what was measured. If there is
# gnuplot, Figure 1 is drawn. BUILD is the build folder, build if it is not set; RESULTS is the folder
# in the place of bench/results.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../build}
results=${RESULTS:-$here/results}
trace=$build/tests/kernels/trace
name=
case ${1:-} in
'' | -*) ;;
*)
    name=$1
    shift
    ;;
esac

mkdir -p "$results"
work=$(mktemp -d "$results/.report-XXXXXX")
trap 'rm -rf "$work"' EXIT
new=$work/report
failed=0
"$build/src/cli/minrnn" bench report "$@" --out "$new" > "$work/report.md" || failed=$?
if [ ! -s "$new/report.md" ]; then # --help, or there is no such device
    cat "$work/report.md"
    exit $failed
fi

has_python=$(command -v python3 || true)
if [ -n "$has_python" ] && [ -x "$trace" ]; then
    for preset in small shakespeare; do
        grep -q ",$preset," "$new/profile.csv" 2> /dev/null || continue
        python3 "$here/predict.py" --measured "$new" --check "$new/profile.csv" "$trace" preset "$preset" \
            > "$work/predicted" 2> "$work/why" || [ -s "$work/predicted" ] || continue
        {
            printf '\n#### predicted: a step of %s, beside what was measured\n\n```\n' "$preset"
            cat "$work/predicted"
            printf '```\n'
        } >> "$new/report.md"
    done
fi
if [ -n "$has_python" ] && command -v gnuplot > /dev/null && [ -s "$new/figure1.csv" ]; then
    python3 "$here/figure1.py" "$new/figure1.csv" "$new" > /dev/null || echo "report.sh: no figure" >&2
    rm -f "$new/figure1.png"
fi

if [ -z "$name" ]; then
    name=$(sed -n 's/^### minrnn report: //p' "$new/report.md" | head -n 1 |
        tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9]\{1,\}/-/g; s/^-//; s/-$//' | cut -c 1-60)
fi
rm -rf "${results:?}/$name"
mv "$new" "$results/$name"
echo "report.sh: $results/$name/report.md is what to send" >&2
[ -z "$has_python" ] || python3 "$here/results.py" "$results"
exit $failed
