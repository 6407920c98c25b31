/* SPDX-License-Identifier: Apache-2.0 */
/* Checks an op's arguments against the list, then plans it or runs it. */
#include "op/op.h"

#include "base/size.h"
#include "base/status.h"

#include <stdio.h>
#include <string.h>

/* Every op's tensors find room in an array of OP_MAX_ARGUMENTS. */
#define OP_BEGIN(name) _Static_assert(0
#define IN(type, t, extent) +1
#define INOUT(type, t, extent) +1
#define OUT(type, t, extent) +1
#define OP_END(name) <= OP_MAX_ARGUMENTS, #name ": more tensors than OP_MAX_ARGUMENTS");
#include "op/op_list.def"

/* ---- NAME_arguments: the list's tensors, with their extents for these sizes ---- */

#define OP_BEGIN(name)                                                                             \
    int name##_arguments(const struct name##_args *args,                                           \
                         struct op_argument out[OP_MAX_ARGUMENTS]) {                               \
        struct op_argument *next = out;
#define DIM(d)                                                                                     \
    const int64_t d = args->d;                                                                     \
    (void)d;
#define VALUE(type, v)                                                                             \
    const type v = args->v;                                                                        \
    (void)v;
#define ARGUMENT(role, type, t, extent)                                                            \
    *next++ = (struct op_argument){#t, role, ARGUMENT_##type, args->t, extent};
#define ARGUMENT_f32 MINRNN_F32
#define ARGUMENT_i32 MINRNN_I32
#define IN(type, t, extent) ARGUMENT(OP_IN, type, t, extent)
#define IN_OPT(type, t, extent) ARGUMENT(OP_IN_OPT, type, t, extent)
#define INOUT(type, t, extent) ARGUMENT(OP_INOUT, type, t, extent)
#define OUT(type, t, extent) ARGUMENT(OP_OUT, type, t, extent)
#define OUT_OPT(type, t, extent) ARGUMENT(OP_OUT_OPT, type, t, extent)
#define OP_END(name)                                                                               \
    return (int)(next - out);                                                                      \
    }
#include "op/op_list.def"

/* ---- NAME_describe ---- */

/* A zero is what is not said. */
static void append(char *text, size_t capacity, const char *name, double value) {
    const size_t used = strlen(text);
    if (value == 0) {
        return;
    }
    snprintf(text + used, capacity - used, "%s%s %g", used ? " " : "", name, value);
}

#define OP_BEGIN(name)                                                                             \
    void name##_describe(const struct name##_args *args, char *text, size_t capacity) {            \
        text[0] = 0;
#define DIM(d) append(text, capacity, #d, (double)args->d);
#define VALUE(type, v) append(text, capacity, #v, (double)args->v);
#define OP_END(name) }
#include "op/op_list.def"

/* ---- checks ---- */

static minrnn_status check_size(const char *op, const char *name, int64_t size) {
    if (size >= 1) {
        return MINRNN_OK;
    }
    return fail(MINRNN_INVALID_ARGUMENT, "%s: %s is %lld, but must be at least 1", op, name,
                (long long)size);
}

static minrnn_status check_argument(const char *op, const minrnn_device *device,
                                    const struct op_argument *argument) {
    const minrnn_tensor tensor = argument->tensor;
    const bool optional = argument->role == OP_IN_OPT || argument->role == OP_OUT_OPT;
    if (!tensor.buffer) {
        return optional
                   ? MINRNN_OK
                   : fail(MINRNN_INVALID_ARGUMENT, "%s: tensor %s is missing", op, argument->name);
    }
    if (tensor.buffer->device != device) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: tensor %s is on another device", op,
                    argument->name);
    }
    if (tensor.type != argument->type) {
        return fail(MINRNN_INVALID_ARGUMENT, "%s: tensor %s has the wrong type", op,
                    argument->name);
    }
    const int64_t held = (int64_t)tensor.buffer->bytes / dtype_bytes(tensor.type);
    if (tensor.offset < 0 || tensor.offset > held || argument->extent > held - tensor.offset) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "%s: tensor %s needs %lld elements from offset %lld, its buffer holds %lld", op,
                    argument->name, (long long)argument->extent, (long long)tensor.offset,
                    (long long)held);
    }
    return MINRNN_OK;
}

static minrnn_status check_arguments(const char *op, const struct op_context *context,
                                     const struct op_argument *arguments, int count) {
    for (int i = 0; i < count; i++) {
        const minrnn_status status = check_argument(op, context->device, &arguments[i]);
        if (status) {
            return status;
        }
    }
    return MINRNN_OK;
}

static minrnn_status check_scratch(const char *op, const struct op_context *context, int64_t need) {
    if (need <= context->scratch_bytes) {
        return MINRNN_OK;
    }
    return fail(MINRNN_INVALID_ARGUMENT, "%s: needs %lld bytes of scratch, has %lld", op,
                (long long)need, (long long)context->scratch_bytes);
}

/* ---- op_NAME: sizes, then plan, or check and run ---- */

static minrnn_status unsupported(const char *op, const char *sizes) {
    return fail(MINRNN_UNSUPPORTED, "%s: this device or build cannot do %s", op, sizes);
}

/* Whether the device can do the call. */
#define OP_BEGIN(name)                                                                             \
    static minrnn_status name##_check_support(                                                     \
        const minrnn_device *device, const struct name##_op *op, const struct name##_args *args) { \
        char sizes[256];                                                                           \
        if (!op->supports || op->supports(device, args)) {                                         \
            return MINRNN_OK;                                                                      \
        }                                                                                          \
        name##_describe(args, sizes, sizeof sizes);                                                \
        return unsupported(#name, sizes);                                                          \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static minrnn_status name##_check_sizes(const struct name##_args *args) {                      \
        static const char op[] = #name;                                                            \
        minrnn_status status = MINRNN_OK;
#define DIM(d)                                                                                     \
    if (!status) {                                                                                 \
        status = check_size(op, #d, args->d);                                                      \
    }
#define OP_END(name)                                                                               \
    return status;                                                                                 \
    }
#include "op/op_list.def"

/* What is left of a call once its arguments and its scratch are known. */
static minrnn_status plan(struct op_context *context, const struct op_argument *arguments,
                          int count, int64_t scratch) {
    context->scratch_need = max_i64(context->scratch_need, scratch);
    return context->observer ? context->observer->planned(context, arguments, count) : MINRNN_OK;
}

static minrnn_status check_call(const char *op, const struct op_context *context,
                                const struct op_argument *arguments, int count, int64_t scratch) {
    const minrnn_status status = check_arguments(op, context, arguments, count);
    return status ? status : check_scratch(op, context, scratch);
}

#define OP_BEGIN(name)                                                                             \
    static minrnn_status name##_call(struct op_context *context, const struct name##_args *args) { \
        const struct name##_op *op = context->device->backend->ops->name;                          \
        minrnn_status status = device_check(context->device);                                      \
        status = status ? status : name##_check_sizes(args);                                       \
        status = status ? status : name##_check_support(context->device, op, args);                \
        if (status) {                                                                              \
            return status;                                                                         \
        }                                                                                          \
        const int64_t scratch = op->scratch ? op->scratch(context->device, args) : 0;              \
        struct op_argument arguments[OP_MAX_ARGUMENTS];                                            \
        const int count = name##_arguments(args, arguments);                                       \
        if (context->planning) {                                                                   \
            return plan(context, arguments, count, scratch);                                       \
        }                                                                                          \
        status = check_call(#name, context, arguments, count, scratch);                            \
        status = status ? status : op->run(context, args);                                         \
        return status || !context->observer                                                        \
                   ? status                                                                        \
                   : context->observer->ran(context, #name, arguments, count);                     \
    }                                                                                              \
                                                                                                   \
    minrnn_status op_##name(struct op_context *context, const struct name##_args *args) {          \
        if (!context->status) {                                                                    \
            context->status = name##_call(context, args);                                          \
        }                                                                                          \
        return context->status;                                                                    \
    }
#include "op/op_list.def"
