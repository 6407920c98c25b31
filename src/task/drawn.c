/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks whose sequences are drawn: splits and batches of them. */
#include "task/drawn.h"

#include "base/alloc.h"

#include <string.h>

struct drawn_task {
    minrnn_task task;
    minrnn_task_config config;
};

static const struct drawn_task *own(const minrnn_task *task) {
    return (const struct drawn_task *)task;
}

minrnn_status drawn_create(const struct task_kind *kind, const minrnn_task_config *config,
                           minrnn_task **task) {
    const struct drawn_kind *drawn = kind->drawn;
    const minrnn_status status = drawn->check ? drawn->check(config->settings) : MINRNN_OK;
    struct drawn_task *made = status ? NULL : mem_alloc(1, sizeof *made);
    if (!made) {
        return status ? status : MINRNN_OUT_OF_MEMORY;
    }
    *made = (struct drawn_task){{kind}, *config};
    *task = &made->task;
    return MINRNN_OK;
}

void drawn_destroy(minrnn_task *task) {
    mem_free(task);
}

struct task_shape drawn_shape(const minrnn_task *task) {
    return task->kind->drawn->shape(own(task)->config.settings);
}

const minrnn_task_config *drawn_config(const minrnn_task *task) {
    return &own(task)->config;
}

bool drawn_has_resets(const minrnn_task *task) {
    (void)task;
    return false;
}

/* ---- random numbers ---- */

enum { WORDS = 4 }; /* of a block */

static uint32_t next_word(struct drawn_random *random) {
    if (random->left == 0) {
        random->words = philox_block(random->seed, random->site, random->block++, random->sequence);
        random->left = WORDS;
    }
    return random->words.word[WORDS - random->left--];
}

/* The top of a product: biased by at most below / 2^32. */
int64_t drawn_below(struct drawn_random *random, int64_t below) {
    return (int64_t)((uint64_t)next_word(random) * (uint64_t)below >> 32);
}

/* ---- sequences ---- */

/* Those that a run trains on, those to validate on and those to test on are streams of their own.
 */
static void write_sequence(const minrnn_task *task, minrnn_split split, uint64_t seed,
                           uint64_t number, int32_t *tokens, int32_t *targets) {
    const int64_t time = drawn_shape(task).time;
    struct drawn_random random = {
        .seed = seed, .sequence = number, .site = PHILOX_SITE_TASK + (uint32_t)split};
    memset(targets, -1, (size_t)time * sizeof *targets);
    task->kind->drawn->sequence(own(task)->config.settings, &random, tokens, targets);
}

minrnn_status drawn_draw(const minrnn_task *task, uint64_t seed, uint64_t index,
                         const struct task_arrays *arrays) {
    for (int64_t row = 0; row < arrays->batch; row++) {
        const int64_t at = row * arrays->time;
        write_sequence(task, MINRNN_SPLIT_TRAIN, seed,
                       index * (uint64_t)arrays->batch + (uint64_t)row, arrays->tokens + at,
                       arrays->targets + at);
    }
    return MINRNN_OK;
}

static void write_nothing(int64_t time, int32_t *tokens, int32_t *targets) {
    memset(tokens, 0, (size_t)time * sizeof *tokens);
    memset(targets, -1, (size_t)time * sizeof *targets);
}

/* A split's sequence: all of them are those to validate on, then those to test on. */
static void write_held_out(const minrnn_task *task, minrnn_split split, uint64_t number,
                           int32_t *tokens, int32_t *targets) {
    struct drawn_settings settings;
    memcpy(&settings, own(task)->config.settings, sizeof settings);
    const uint64_t each = (uint64_t)settings.held_out;
    minrnn_split from = split;
    if (split == MINRNN_SPLIT_ALL) {
        from = number < each ? MINRNN_SPLIT_VALIDATION : MINRNN_SPLIT_TEST;
    }
    write_sequence(task, from, settings.held_out_seed, number % each, tokens, targets);
}

minrnn_status drawn_window(const minrnn_task *task, minrnn_split split, uint64_t index,
                           const struct task_arrays *arrays, int64_t *used) {
    if (split == MINRNN_SPLIT_TRAIN) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "the training split of %s has no end: its sequences are drawn",
                    task->kind->name);
    }
    struct drawn_settings settings;
    memcpy(&settings, own(task)->config.settings, sizeof settings);
    const uint64_t count = (uint64_t)settings.held_out * (split == MINRNN_SPLIT_ALL ? 2 : 1);
    *used = 0;
    for (int64_t row = 0; row < arrays->batch; row++) {
        const int64_t at = row * arrays->time;
        /* Bounded before it is multiplied: any index is allowed. */
        const uint64_t number =
            index < count ? index * (uint64_t)arrays->batch + (uint64_t)row : count;
        if (number < count) {
            write_held_out(task, split, number, arrays->tokens + at, arrays->targets + at);
            *used += arrays->time;
        } else {
            write_nothing(arrays->time, arrays->tokens + at, arrays->targets + at);
        }
    }
    return MINRNN_OK;
}
