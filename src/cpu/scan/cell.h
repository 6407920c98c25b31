/* SPDX-License-Identifier: Apache-2.0 */
/* The cells: how a step's element is made of what is read, and the gradients of what was read.
 *
 * What a cell CELL gives to the other parts, for the operators ALG that it goes with:
 *   CELL_prepare(lane)                       what can be worked out before the first step
 *   struct CELL_row, CELL_row(lane, t)       where a step's inputs lie
 *   struct CELL_input, CELL_load(row, c)     what a channel reads
 *   CELL_ALG(kind, input)                    the step's element
 *   CELL_output(row, c, values)              what the step gives out: the state's value, or more
 * and for the gradient:
 *   CELL_output_back(row, c, dy)             what the output's gradient is worth to the state
 *   CELL_gradient(kind, input, dy, lambda, before)
 *                                            a struct CELL_gradient of what was read, from the
 *                                            gradients of output and state, and the state before
 *   struct CELL_target, CELL_target(lane, t), CELL_store(target, c, gradient)
 *                                            where it goes
 *   CELL_share(lane, t)                      the part that channels share: each panel writes the
 *                                            sum of its own to a place of its own, and the end of
 *                                            the op adds up the places in their order
 *   CELL_clear(lane, t)                      zero at an unused place in time */
#ifndef CPU_SCAN_CELL_H
#define CPU_SCAN_CELL_H

#include "cpu/scan/linear.h"
#include "cpu/scan/mingru.h"
#include "cpu/scan/minlstm.h"

#endif
