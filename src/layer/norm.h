/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm of a stream's rows [rows, width] with a gain [width]. */
#ifndef LAYER_NORM_H
#define LAYER_NORM_H

#include "layer/parameter.h"
#include "op/op.h"

/* A gain of 1, which does not decay. */
struct parameter norm_gain(void);

/* inverse [rows] is 1 / rms, which backward needs. */
void norm_forward(struct op_context *context, int64_t rows, int64_t width, minrnn_tensor x,
                  minrnn_tensor gain, minrnn_tensor y, minrnn_tensor inverse);

/* dx = (accumulate ? dx : 0) + its gradient; dgain is added to. */
void norm_backward(struct op_context *context, int64_t rows, int64_t width, minrnn_tensor x,
                   minrnn_tensor gain, minrnn_tensor inverse, minrnn_tensor dy, bool accumulate,
                   minrnn_tensor dx, minrnn_tensor dgain);

#endif
