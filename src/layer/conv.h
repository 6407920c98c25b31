/* SPDX-License-Identifier: Apache-2.0 */
/* The causal depthwise convolution over time, with a dense layer after it if asked for. */
#ifndef LAYER_CONV_H
#define LAYER_CONV_H

#include <stdbool.h>
#include <stdint.h>

struct conv_settings {
    int64_t taps;
    bool pointwise; /* the dense layer */
};

#endif
