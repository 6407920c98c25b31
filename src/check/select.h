/* SPDX-License-Identifier: Apache-2.0 */
/* Which of an op's cases a configuration asks for. */
#ifndef CHECK_SELECT_H
#define CHECK_SELECT_H

#include <minrnn/check.h>

#include "check/cases.h"

/* Whether `shape` reads "name=number,..." with names of the ops, sizes from 1 to 2^20. */
minrnn_status select_check(const char *shape);

/* Gives the case the sizes asked for; returns whether its options are those asked for. `number`
 * counts the op's cases from 1. */
bool select_case(const minrnn_check_config *config, const struct op_entry *entry, int number,
                 struct check_case *c);

#endif
