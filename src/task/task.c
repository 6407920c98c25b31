/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and their batches, whatever they are. */
#include "task/task.h"

#include "base/alloc.h"
#include "base/status.h"

void minrnn_task_destroy(minrnn_task *task) {
    if (task) {
        task->kind->destroy(task);
    }
}

static struct task_shape shape_of(const minrnn_task *task) {
    return task ? task->kind->shape(task) : (struct task_shape){0};
}

int64_t minrnn_task_vocab(const minrnn_task *task) {
    return shape_of(task).vocab;
}

int64_t minrnn_task_time(const minrnn_task *task) {
    return shape_of(task).time;
}

int64_t minrnn_task_targets(const minrnn_task *task) {
    return shape_of(task).targets;
}

minrnn_measure minrnn_task_measure(const minrnn_task *task) {
    return task ? task->kind->measure : MINRNN_MEASURE_LOSS;
}

minrnn_status minrnn_task_prepare(const minrnn_task *task, minrnn_model *model) {
    if (!task || !model) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_task_prepare: an argument is NULL");
    }
    return task->kind->config ? task_keep(task->kind->config(task), model)
                              : task->kind->prepare(task, model);
}

/* ---- loaders ---- */

struct minrnn_loader {
    const minrnn_task *task;
    struct task_arrays arrays;
    minrnn_batch batch; /* of the arrays */
};

enum { ARRAYS = 3 };

uint64_t minrnn_loader_bytes(int64_t batch, int64_t time) {
    return batch > 0 && time > 0 ? ARRAYS * (uint64_t)batch * (uint64_t)time * sizeof(int32_t) : 0;
}

minrnn_status minrnn_loader_create(const minrnn_task *task, int64_t batch, int64_t time,
                                   minrnn_loader **loader) {
    if (!task || !loader) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_loader_create: an argument is NULL");
    }
    *loader = NULL;
    if (batch < 1 || time < 1 || batch > INT32_MAX || time > INT32_MAX / batch) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "loader: batch %lld and time %lld must be at least 1, their product below 2^31",
                    (long long)batch, (long long)time);
    }
    const int64_t only = shape_of(task).time;
    if (only > 0 && time != only) {
        return fail(MINRNN_INVALID_ARGUMENT, "loader: time %lld, but sequences of %s have %lld",
                    (long long)time, task->kind->name, (long long)only);
    }
    const int64_t rows = batch * time;
    minrnn_loader *made = mem_alloc(1, sizeof *made);
    int32_t *arrays = mem_alloc((uint64_t)(ARRAYS * rows), sizeof *arrays);
    if (!made || !arrays) {
        mem_free(made);
        mem_free(arrays);
        return MINRNN_OUT_OF_MEMORY;
    }
    made->task = task;
    made->arrays = (struct task_arrays){batch, time, arrays, arrays + rows, arrays + 2 * rows};
    minrnn_batch_defaults(&made->batch);
    made->batch.batch = batch;
    made->batch.time = time;
    made->batch.tokens = made->arrays.tokens;
    made->batch.targets = made->arrays.targets;
    made->batch.reset = task->kind->has_resets(task) ? made->arrays.reset : NULL;
    *loader = made;
    return MINRNN_OK;
}

void minrnn_loader_destroy(minrnn_loader *loader) {
    if (loader) {
        mem_free(loader->arrays.tokens);
        mem_free(loader);
    }
}

minrnn_status minrnn_loader_draw(minrnn_loader *loader, uint64_t seed, uint64_t index,
                                 const minrnn_batch **batch) {
    if (!loader || !batch) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_loader_draw: an argument is NULL");
    }
    *batch = &loader->batch;
    return loader->task->kind->draw(loader->task, seed, index, &loader->arrays);
}

minrnn_status minrnn_loader_window(minrnn_loader *loader, minrnn_split split, uint64_t index,
                                   const minrnn_batch **batch, int64_t *used) {
    if (!loader || !batch || !used) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_loader_window: an argument is NULL");
    }
    if ((unsigned)split > MINRNN_SPLIT_TEST) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_loader_window: split %d", (int)split);
    }
    *batch = &loader->batch;
    return loader->task->kind->window(loader->task, split, index, &loader->arrays, used);
}
