/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm as a call: forward, backward, and its gain. */
#include "layer/norm.h"

/* Inside the root, as the norms of the public implementations' PyTorch counterparts need none. */
static const float NORM_EPSILON = 1e-6f;

struct parameter norm_gain(void) {
    return (struct parameter){.role = PARAMETER_GAIN, .draw = draw_constant, .scale = 1.0f};
}

void norm_forward(struct op_context *context, int64_t rows, int64_t width, minrnn_tensor x,
                  minrnn_tensor gain, minrnn_tensor y, minrnn_tensor inverse) {
    OP(rmsnorm_forward, context, .rows = rows, .width = width, .epsilon = NORM_EPSILON, .x = x,
       .gain = gain, .y = y, .inverse = inverse);
}

void norm_backward(struct op_context *context, int64_t rows, int64_t width, minrnn_tensor x,
                   minrnn_tensor gain, minrnn_tensor inverse, minrnn_tensor dy, bool accumulate,
                   minrnn_tensor dx, minrnn_tensor dgain) {
    OP(rmsnorm_backward, context, .rows = rows, .width = width, .accumulate = accumulate, .x = x,
       .gain = gain, .inverse = inverse, .dy = dy, .dx = dx, .dgain = dgain);
}
