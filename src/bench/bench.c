/* SPDX-License-Identifier: Apache-2.0 */
/* Makes benches, times them, and profiles them. */
#include "bench/bench.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/sized.h"
#include "bench/profile.h"
#include "bench/quantile.h"
#include "check/random.h"

#include <string.h>

/* ---- making and releasing ---- */

static void note_op(void *user, const struct op_entry *op, const union op_args *args) {
    minrnn_bench *bench = user;
    (void)args;
    bench->ops[op->op] = true;
}

minrnn_bench *bench_new(minrnn_device *device, const struct bench_kind *kind) {
    minrnn_bench *bench = mem_alloc(1, kind->bytes);
    if (bench) {
        bench->kind = kind;
        bench->device = device;
        bench->held_before = minrnn_device_allocated(device);
        bench->context.device = device;
    }
    return bench;
}

minrnn_bench *bench_begin(minrnn_device *device, const struct bench_kind *kind) {
    minrnn_bench *bench = bench_new(device, kind);
    if (bench) {
        bench->watch.sized = note_op;
        bench->watch.user = bench;
        watch_attach(&bench->watch, device);
    }
    return bench;
}

minrnn_status bench_end(minrnn_bench *made, minrnn_status status, minrnn_bench **bench) {
    watch_detach(&made->watch, made->device);
    status = status ? status : minrnn_device_finish(made->device);
    if (status) {
        minrnn_bench_destroy(made);
        return status;
    }
    made->info.memory_bytes = minrnn_device_allocated(made->device) - made->held_before;
    *bench = made;
    return MINRNN_OK;
}

void minrnn_bench_destroy(minrnn_bench *bench) {
    if (!bench) {
        return;
    }
    if (bench->kind->destroy) {
        bench->kind->destroy(bench);
    }
    for (int i = 0; i < bench->buffer_count; i++) {
        minrnn_buffer_destroy(bench->buffers[i]);
    }
    minrnn_buffer_destroy(bench->scratch);
    mem_free(bench);
}

/* ---- memory ---- */

minrnn_tensor bench_take(minrnn_bench *bench, int64_t count, minrnn_dtype type) {
    struct op_context *context = &bench->context;
    minrnn_buffer *buffer = NULL;
    if (!context->status) {
        context->status = minrnn_buffer_create(
            bench->device, (uint64_t)count * (uint64_t)dtype_bytes(type), &buffer);
    }
    if (!context->status) {
        bench->buffers[bench->buffer_count++] = buffer;
    }
    return (minrnn_tensor){buffer, 0, type};
}

void bench_take_scratch(minrnn_bench *bench) {
    struct op_context *context = &bench->context;
    const int64_t bytes = op_scratch_elements(context) * F32_BYTES;
    if (context->status || bytes <= context->scratch_bytes) {
        return;
    }
    minrnn_buffer_destroy(bench->scratch);
    bench->scratch = NULL;
    context->scratch_bytes = 0;
    context->status = minrnn_buffer_create(bench->device, (uint64_t)bytes, &bench->scratch);
    if (!context->status) {
        context->scratch = tensor_f32(bench->scratch, 0);
        context->scratch_bytes = bytes;
    }
}

/* ---- inputs ---- */

enum { SEED = 1, BLOCK = 1 << 18 };

union word {
    float f;
    int32_t i;
};

static void draw(union word *words, int64_t count, minrnn_dtype type, float low, float high) {
    struct check_random random = {.seed = SEED};
    for (int64_t i = 0; i < count; i++) {
        if (type == MINRNN_F32) {
            words[i].f = low + (high - low) * philox_unit(random_word(&random));
        } else {
            words[i].i = (int32_t)random_below(&random, (int64_t)high);
        }
    }
}

/* The same block of numbers over and over. */
static minrnn_status write_blocks(minrnn_tensor tensor, int64_t count, const union word *words) {
    minrnn_status status = MINRNN_OK;
    for (int64_t done = 0; done < count && !status; done += BLOCK) {
        status = tensor_write(tensor_at(tensor, done), words, min_i64(BLOCK, count - done), true);
    }
    return status;
}

void bench_fill(minrnn_bench *bench, minrnn_tensor tensor, int64_t count, float low, float high) {
    struct op_context *context = &bench->context;
    union word *words =
        context->status ? NULL : mem_alloc((uint64_t)min_i64(BLOCK, count), sizeof *words);
    if (words) {
        draw(words, min_i64(BLOCK, count), tensor.type, low, high);
        context->status = write_blocks(tensor, count, words);
    } else if (!context->status) {
        context->status = MINRNN_OUT_OF_MEMORY;
    }
    mem_free(words);
}

int32_t *bench_tokens(int64_t count, int64_t vocab) {
    int32_t *tokens = mem_alloc((uint64_t)count, sizeof *tokens);
    struct check_random random = {.seed = SEED};
    for (int64_t i = 0; tokens && i < count; i++) {
        tokens[i] = (int32_t)random_below(&random, vocab);
    }
    return tokens;
}

/* ---- what it is ---- */

minrnn_status minrnn_bench_describe_sized(const minrnn_bench *bench, minrnn_bench_info *info,
                                          size_t size) {
    if (!bench || !info) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_describe: an argument is NULL");
    }
    sized_give(&bench->info, sizeof bench->info, info, size);
    return MINRNN_OK;
}

const char *minrnn_bench_op(const minrnn_bench *bench, int index) {
    for (int op = 0; bench && index >= 0 && op < CHECK_OPS; op++) {
        if (bench->ops[op] && index-- == 0) {
            return op_entry_at((enum check_op)op)->name;
        }
    }
    return NULL;
}

/* ---- timing ---- */

enum { MOST_RUNS = 1000000, IN_FLIGHT = 2 };

static const struct sized_type config_type =
    SIZED_TYPE(minrnn_bench_config, "minrnn_bench_config_defaults");
static const minrnn_bench_config standard = {.warm_up = 3, .repetitions = 20};

void minrnn_bench_config_init(minrnn_bench_config *config, size_t size) {
    if (config) {
        sized_give(&standard, sizeof standard, config, size);
    }
}

static minrnn_status take_config(const minrnn_bench *bench, const minrnn_bench_config *given,
                                 minrnn_bench_config *config) {
    *config = standard;
    if (!bench || !given) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench: an argument is NULL");
    }
    const minrnn_status status = sized_take(&config_type, given, config);
    if (status) {
        return status;
    }
    if (config->warm_up < 0 || config->warm_up > MOST_RUNS || config->repetitions < 1 ||
        config->repetitions > MOST_RUNS) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_bench: warm_up %d must be 0 to %d, and repetitions %d 1 to %d",
                    config->warm_up, MOST_RUNS, config->repetitions, MOST_RUNS);
    }
    if (config->queued && bench->kind->waits) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench: such a bench cannot be queued");
    }
    return MINRNN_OK;
}

minrnn_status bench_run_waited(minrnn_bench *bench, int warm_up, int repetitions, double *seconds) {
    for (int i = -warm_up; i < repetitions; i++) {
        const double begin = clock_seconds();
        minrnn_status status = bench->kind->run(bench);
        status = status ? status : minrnn_device_finish(bench->device);
        if (status) {
            return status;
        }
        if (i >= 0) {
            seconds[i] = clock_seconds() - begin;
        }
    }
    return MINRNN_OK;
}

/* Waits for the end of run number `i`; it took since the end of the one before. */
static minrnn_status end_queued(minrnn_bench *bench, struct fence *fences, int i, double *last,
                                double *seconds) {
    const minrnn_status status = device_fence_wait(bench->device, &fences[i % IN_FLIGHT]);
    const double now = fences[i % IN_FLIGHT].passed;
    if (seconds) {
        *seconds = now - *last;
    }
    *last = now;
    return status;
}

/* One run more: the first that ends only tells when the next one began. */
static minrnn_status run_queued(minrnn_bench *bench, const minrnn_bench_config *config,
                                double *seconds) {
    const int first = config->warm_up + 1, runs = first + config->repetitions;
    struct fence fences[IN_FLIGHT] = {{0}};
    double last = 0;
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < runs + IN_FLIGHT && !status; i++) {
        const int ended = i - IN_FLIGHT;
        if (ended >= 0) {
            status = end_queued(bench, fences, ended, &last,
                                ended >= first ? &seconds[ended - first] : NULL);
        }
        if (i < runs && !status) {
            status = bench->kind->run(bench);
            status = status ? status : device_fence_set(bench->device, &fences[i % IN_FLIGHT]);
        }
    }
    for (int i = 0; status && i < IN_FLIGHT; i++) { /* after a failure they are only released */
        if (fences[i].event) {
            (void)device_fence_wait(bench->device, &fences[i]);
        }
    }
    return status;
}

minrnn_status minrnn_bench_run_sized(minrnn_bench *bench, const minrnn_bench_config *config,
                                     minrnn_timing *timing, size_t size) {
    minrnn_bench_config own;
    minrnn_status status =
        timing ? take_config(bench, config, &own)
               : fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_run: an argument is NULL");
    if (status) {
        return status;
    }
    double *seconds = mem_alloc((uint64_t)own.repetitions, sizeof *seconds);
    if (!seconds) {
        return MINRNN_OUT_OF_MEMORY;
    }
    status = own.queued ? run_queued(bench, &own, seconds)
                        : bench_run_waited(bench, own.warm_up, own.repetitions, seconds);
    if (!status) {
        quantile_sort(seconds, own.repetitions);
        const minrnn_timing measured = {.median = quantile_of(seconds, own.repetitions, 0.5),
                                        .p10 = quantile_of(seconds, own.repetitions, 0.1),
                                        .p90 = quantile_of(seconds, own.repetitions, 0.9)};
        sized_give(&measured, sizeof measured, timing, size);
    }
    mem_free(seconds);
    return status;
}

/* ---- a profile ---- */

static minrnn_status run_profiled(minrnn_bench *bench, const minrnn_bench_config *config,
                                  struct profile *profile) {
    minrnn_status status = MINRNN_OK;
    profile_begin(profile, bench->device);
    for (int i = -config->warm_up; i < config->repetitions && !status; i++) {
        if (i == 0) {
            profile_clear(profile);
        }
        status = bench->kind->run(bench);
        status = status ? status : minrnn_device_finish(bench->device);
    }
    profile_end(profile);
    return status || !profile->out_of_memory ? status : MINRNN_OUT_OF_MEMORY;
}

/* A row, and what its calls took together. */
struct ranked {
    const struct profile_row *row;
    double median, seconds;
};

static int longest_first(const void *a, const void *b) {
    const double x = ((const struct ranked *)a)->seconds, y = ((const struct ranked *)b)->seconds;
    return (x < y) - (x > y);
}

static void give_rows(struct ranked *ranked, int count, int runs, minrnn_on_profile on_row,
                      void *user) {
    double all = 0;
    for (int i = 0; i < count; i++) {
        all += ranked[i].seconds;
    }
    qsort(ranked, (size_t)count, sizeof *ranked, longest_first);
    for (int i = 0; i < count; i++) {
        const struct op_work *work = &ranked[i].row->work;
        const minrnn_profile_row row = {.op = ranked[i].row->op,
                                        .sizes = ranked[i].row->sizes,
                                        .calls = ranked[i].row->calls / runs,
                                        .median = ranked[i].median,
                                        .share = all > 0 ? ranked[i].seconds / all : 0,
                                        .bytes =
                                            (work->read + work->written) / ranked[i].row->calls,
                                        .operations = work->operations / ranked[i].row->calls};
        on_row(user, &row);
    }
}

static minrnn_status rank(struct profile *profile, int runs, minrnn_on_profile on_row, void *user) {
    int count = 0;
    for (struct profile_row *row = profile->rows; row; row = row->next) {
        count++;
    }
    struct ranked *ranked = mem_alloc((uint64_t)count + 1, sizeof *ranked);
    if (!ranked) {
        return MINRNN_OUT_OF_MEMORY;
    }
    count = 0;
    for (struct profile_row *row = profile->rows; row; row = row->next) {
        const double median = profile_median(row);
        ranked[count++] = (struct ranked){row, median, median * row->calls};
    }
    give_rows(ranked, count, runs, on_row, user);
    mem_free(ranked);
    return MINRNN_OK;
}

minrnn_status minrnn_bench_profile(minrnn_bench *bench, const minrnn_bench_config *config,
                                   minrnn_on_profile on_row, void *user) {
    minrnn_bench_config own;
    minrnn_status status =
        on_row ? MINRNN_OK
               : fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_profile: an argument is NULL");
    status = status ? status : take_config(bench, config, &own);
    if (status) {
        return status;
    }
    struct profile profile;
    status = run_profiled(bench, &own, &profile);
    status = status ? status : rank(&profile, own.repetitions, on_row, user);
    profile_clear(&profile);
    return status;
}
