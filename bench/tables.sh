#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Trains what a table of the paper needs, several runs at once, and prints the table.
#   bench/tables.sh table1|table2 FOLDER [OPTION...] [-- OPTION of minrnn train...]
# table1 is selective copying over mixers, layers and seeds; table2 the same at the preset's layers, beside the
# numbers of other systems. FOLDER gets runs.csv, a row a run, and runs/ with models, states and logs. A
# table that was stopped, or killed, goes on by the same command. `bench/tables.sh --help` has the options.
# MINRNN is the program, build/src/cli/minrnn if it is not set. Needs Python 3.
exec python3 "$(dirname "$0")/tables.py" "$@"
