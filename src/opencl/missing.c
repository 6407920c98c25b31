/* Temporary: ops whose files are not here yet. Last in the list, so that real ones come first. */
#include "opencl/launch.h"

#define OP_BEGIN(name)                                                                             \
    __attribute__((weak))                                                                          \
    minrnn_status cl_##name(struct op_context *context, const struct name##_args *args) {          \
        (void)context;                                                                             \
        (void)args;                                                                                \
        return fail(MINRNN_UNSUPPORTED, #name " is not there yet");                                \
    }
#include "op/op_list.def"

#define SCRATCH(name)                                                                              \
    __attribute__((weak))                                                                          \
    int64_t cl_##name##_scratch(const minrnn_device *device, const struct name##_args *args) {     \
        (void)device;                                                                              \
        (void)args;                                                                                \
        return 0;                                                                                  \
    }
SCRATCH(scan_forward)
SCRATCH(scan_backward)
SCRATCH(conv_backward)
SCRATCH(gemm)
SCRATCH(column_sum)
SCRATCH(rmsnorm_backward)
SCRATCH(sum)
SCRATCH(square_sum)
