/* SPDX-License-Identifier: Apache-2.0 */
/* Text as a task: the next character, or byte, of each. */
#include <minrnn/text.h>

#include "base/alloc.h"
#include "base/status.h"
#include "task/task.h"

struct text_task {
    minrnn_task task;
    const minrnn_text *text;
    const minrnn_text *validation; /* NULL: the end of `text` */
};

static const struct text_task *own(const minrnn_task *task) {
    return (const struct text_task *)task;
}

minrnn_status minrnn_text_task(const minrnn_text *text, const minrnn_text *validation,
                               minrnn_task **task) {
    if (!text || !task) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_text_task: an argument is NULL");
    }
    *task = NULL;
    struct text_task *made = mem_alloc(1, sizeof *made);
    if (!made) {
        return MINRNN_OUT_OF_MEMORY;
    }
    *made = (struct text_task){{&task_text}, text, validation};
    *task = &made->task;
    return MINRNN_OK;
}

static void destroy(minrnn_task *task) {
    mem_free(task);
}

static struct task_shape shape(const minrnn_task *task) {
    return (struct task_shape){.vocab =
                                   minrnn_vocabulary_size(minrnn_text_vocabulary(own(task)->text))};
}

static minrnn_status prepare(const minrnn_task *task, minrnn_model *model) {
    return minrnn_model_set_vocabulary(model, minrnn_text_vocabulary(own(task)->text));
}

static bool has_resets(const minrnn_task *task) {
    const struct text_task *text = own(task);
    return minrnn_text_documents(text->text) > 1 || minrnn_text_documents(text->validation) > 1;
}

static minrnn_status draw(const minrnn_task *task, uint64_t seed, uint64_t index,
                          const struct task_arrays *arrays) {
    const struct text_task *text = own(task);
    return minrnn_text_batch(text->text, text->validation ? MINRNN_SPLIT_ALL : MINRNN_SPLIT_TRAIN,
                             seed, index, arrays->batch, arrays->time, arrays->tokens,
                             arrays->targets, arrays->reset);
}

static minrnn_status window(const minrnn_task *task, minrnn_split split, uint64_t index,
                            const struct task_arrays *arrays, int64_t *used) {
    const struct text_task *text = own(task);
    if (split == MINRNN_SPLIT_TEST) {
        return fail(MINRNN_INVALID_ARGUMENT, "text has no test split");
    }
    const bool apart = text->validation && split == MINRNN_SPLIT_VALIDATION;
    return minrnn_text_window(apart ? text->validation : text->text,
                              text->validation ? MINRNN_SPLIT_ALL : split, index, arrays->batch,
                              arrays->time, arrays->tokens, arrays->targets, arrays->reset, used);
}

const struct task_kind task_text = {
    .name = "text",
    .help = "what comes next in the text",
    .destroy = destroy,
    .shape = shape,
    .prepare = prepare,
    .has_resets = has_resets,
    .draw = draw,
    .window = window,
};
