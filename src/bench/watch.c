/* SPDX-License-Identifier: Apache-2.0 */
/* An op table whose ops are another's, each between two calls. */
#include "bench/watch.h"

#define OP_BEGIN(name)                                                                             \
    static minrnn_status watched_##name(struct op_context *context,                                \
                                        const struct name##_args *args) {                          \
        const struct op_watch *watch = (const struct op_watch *)context->device->backend;          \
        const struct op_entry *op = op_entry_at(CHECK_OP_##name);                                  \
        const union op_args all = {.name = *args};                                                 \
        if (watch->before) {                                                                       \
            watch->before(watch->user, op, &all);                                                  \
        }                                                                                          \
        const minrnn_status status = watch->real->ops->name->run(context, args);                   \
        if (watch->after) {                                                                        \
            watch->after(watch->user, op, &all);                                                   \
        }                                                                                          \
        return status;                                                                             \
    }
#include "op/op_list.def"

#define OP_BEGIN(name)                                                                             \
    static int64_t sized_##name(const minrnn_device *device, const struct name##_args *args) {     \
        const struct op_watch *watch = (const struct op_watch *)device->backend;                   \
        const struct name##_op *real = watch->real->ops->name;                                     \
        const union op_args all = {.name = *args};                                                 \
        if (watch->sized) {                                                                        \
            watch->sized(watch->user, op_entry_at(CHECK_OP_##name), &all);                         \
        }                                                                                          \
        return real->scratch ? real->scratch(device, args) : 0;                                    \
    }
#include "op/op_list.def"

void watch_attach(struct op_watch *watch, minrnn_device *device) {
    watch->real = device->backend;
    watch->backend = *device->backend;
    watch->backend.ops = &watch->table;
#define OP_BEGIN(name)                                                                             \
    watch->name = *watch->real->ops->name;                                                         \
    watch->name.run = watched_##name;                                                              \
    watch->name.scratch = sized_##name;                                                            \
    watch->table.name = &watch->name;
#include "op/op_list.def"
    device->backend = &watch->backend;
}

void watch_detach(struct op_watch *watch, minrnn_device *device) {
    device->backend = watch->real;
}
