/* SPDX-License-Identifier: Apache-2.0 */
/* What op_list.def's selective scan is sized by. */
#ifndef OP_SELECTIVE_H
#define OP_SELECTIVE_H

#include "base/size.h"

enum {
    SELECTIVE_CHUNK = 16,       /* steps that backward recomputes from a state that forward kept */
    SELECTIVE_MOST_STATES = 64, /* of a channel */
};

static inline int64_t selective_chunks(int64_t time) {
    return ceil_div(time, SELECTIVE_CHUNK);
}

#endif
