/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what is not finite in the outputs of an op, and says where the first is. */
#include "op/numbers.h"

#include "base/status.h"

#include <math.h>
#include <string.h>

/* Optional tensors may be absent, and a convolution of one tap has a state of no elements. */
static bool has_floats(const struct op_argument *argument) {
    return argument->type == MINRNN_F32 && argument->extent > 0;
}

static bool is_output(const struct op_argument *argument) {
    return argument->role == OP_INOUT || argument->role == OP_OUT || argument->role == OP_OUT_OPT;
}

/* A check begins with its observer. */
static struct number_check *check_of(const struct op_context *context) {
    return (struct number_check *)context->observer;
}

/* The op that counts runs in the same scratch, but must not be checked itself. */
static minrnn_status count_nonfinite(struct op_context *context,
                                     const struct op_argument *argument) {
    struct op_observer *observer = context->observer;
    const minrnn_tensor total = check_of(context)->count;
    context->observer = NULL;
    const minrnn_status status = OP(nonfinite_count, context, .count = argument->extent,
                                    .x = argument->tensor, .total = total);
    context->observer = observer;
    return status;
}

static minrnn_status planned(struct op_context *context, const struct op_argument *arguments,
                             int count) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < count && !status; i++) {
        if (is_output(&arguments[i]) && has_floats(&arguments[i])) {
            status = count_nonfinite(context, &arguments[i]);
        }
    }
    return status;
}

/* The first element that is not finite and its value; -1 if none is. It is only asked after a find:
 * reading a large tensor piece by piece may take its time. */
static minrnn_status find_nonfinite(const struct op_argument *argument, int64_t *index,
                                    float *value) {
    enum { PIECE = 4096 };
    float piece[PIECE];
    *index = -1;
    for (int64_t begin = 0; begin < argument->extent; begin += PIECE) {
        const int64_t left = argument->extent - begin;
        const int64_t length = left < PIECE ? left : PIECE;
        const minrnn_status status =
            tensor_read(tensor_at(argument->tensor, begin), piece, length, true);
        if (status) {
            return status;
        }
        for (int64_t i = 0; i < length; i++) {
            if (!isfinite(piece[i])) {
                *index = begin + i;
                *value = piece[i];
                return MINRNN_OK;
            }
        }
    }
    return MINRNN_OK;
}

static minrnn_status check_argument(struct op_context *context, const struct op_argument *argument,
                                    float *nonfinite) {
    *nonfinite = 0.0f;
    if (!argument->tensor.buffer || !has_floats(argument)) {
        return MINRNN_OK;
    }
    const minrnn_status status = count_nonfinite(context, argument);
    return status ? status : tensor_read(check_of(context)->count, nonfinite, 1, true);
}

static bool same_place(minrnn_tensor a, minrnn_tensor b) {
    return a.buffer == b.buffer && a.offset == b.offset;
}

/* Whether what was in an input when the op ran is still there. */
static bool is_kept_input(const struct number_check *check, const struct op_argument *argument) {
    for (int i = 0; i < check->argument_count; i++) {
        if (is_output(&check->arguments[i]) &&
            same_place(check->arguments[i].tensor, argument->tensor)) {
            return false;
        }
    }
    return true;
}

/* Says what was found, and whether the op made it or was handed it. */
static minrnn_status describe(struct number_check *check, float nonfinite) {
    const struct op_argument *found = &check->arguments[check->found];
    float value = 0.0f;
    minrnn_status status = find_nonfinite(found, &check->index, &value);
    if (status) {
        return status;
    }
    if (check->index < 0) {
        return fail(MINRNN_NOT_FINITE,
                    "%s wrote %g numbers that are not finite to %s by the device's count, but "
                    "reading them back shows none: does minrnn validate pass?",
                    check->op, (double)nonfinite, found->name);
    }
    for (int i = 0; i < check->argument_count; i++) {
        const struct op_argument *input = &check->arguments[i];
        int64_t index = -1;
        float given = 0.0f;
        if (!is_output(input) && is_kept_input(check, input) && input->tensor.buffer &&
            has_floats(input)) {
            status = find_nonfinite(input, &index, &given);
        }
        if (status) {
            return status;
        }
        if (index >= 0) {
            return fail(MINRNN_NOT_FINITE, "%s wrote %g to %s[%lld]; its input %s[%lld] is %g",
                        check->op, (double)value, found->name, (long long)check->index, input->name,
                        (long long)index, (double)given);
        }
    }
    return fail(MINRNN_NOT_FINITE, "%s wrote %g to %s[%lld]; its inputs are finite", check->op,
                (double)value, found->name, (long long)check->index);
}

static minrnn_status ran(struct op_context *context, const char *op,
                         const struct op_argument *arguments, int count) {
    struct number_check *check = check_of(context);
    for (int i = 0; i < count; i++) {
        float nonfinite = 0.0f;
        minrnn_status status = MINRNN_OK;
        if (is_output(&arguments[i])) {
            status = check_argument(context, &arguments[i], &nonfinite);
        }
        if (status) {
            return status;
        }
        if (!(nonfinite == 0.0f)) {
            check->op = op;
            memcpy(check->arguments, arguments, (size_t)count * sizeof *arguments);
            check->argument_count = count;
            check->found = i;
            return describe(check, nonfinite);
        }
    }
    return MINRNN_OK;
}

void numbers_attach(struct number_check *check, struct op_context *context) {
    check->observer = (struct op_observer){planned, ran};
    context->observer = &check->observer;
}
