/* SPDX-License-Identifier: Apache-2.0 */
/* One case: fill, run twice between guards, compare with the oracle, look for stray writes. */
#include "check/harness.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/size.h"
#include "check/op_check.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Elements before and after each tensor whose bits must stay: quiet NaNs, so that what is read
 * there shows too. */
enum { GUARD = 256, ALIGNED_TO = 16 };
static const uint32_t guard_bits = 0x7fc0deadu;
static const uint32_t poison_bits[2] = {0x7fc0beefu, 0}; /* unwritten outputs, by run */
static const unsigned char scratch_poison[2] = {0xff, 0x00};
enum { SCRATCH_GUARD_BYTES = 1024, SCRATCH_GUARD = 0xa5 };

struct buffer {
    minrnn_buffer *device;
    int64_t elements;
    union element *image; /* what the host wrote */
    union element *seen;  /* what is there after the run */
};

/* One case on a device: operand i lies in buffers[place[i].buffer] from element place[i].start. */
struct stage {
    minrnn_device *device;
    const struct op_entry *entry;
    const struct check_case *c;
    struct check_outcome *outcome;
    struct operand operands[OP_MAX_ARGUMENTS];
    int count;
    struct place {
        int buffer;
        int64_t start;
    } place[OP_MAX_ARGUMENTS];
    struct buffer buffers[OP_MAX_ARGUMENTS];
    int buffer_count;
    union op_args args;
    minrnn_buffer *scratch;
    int64_t scratch_bytes; /* what the op asked for, between two guards */
    unsigned char *scratch_image;
    union element *results[OP_MAX_ARGUMENTS]; /* of the first run */
};

static void complain(struct stage *stage, const char *format, ...) BASE_PRINTF(2, 3);

static void complain(struct stage *stage, const char *format, ...) {
    if (stage->outcome->failure[0]) {
        return; /* the first one says most */
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(stage->outcome->failure, sizeof stage->outcome->failure, format, arguments);
    va_end(arguments);
}

/* ---- the layout of tensors in buffers ---- */

static void place_operands(struct stage *stage, struct check_random *random) {
    for (int i = 0; i < stage->count; i++) {
        const struct operand *operand = &stage->operands[i];
        if (!operand->given || operand->home != i) {
            continue;
        }
        if (!stage->c->shared || stage->buffer_count == 0) {
            stage->buffers[stage->buffer_count++].elements = GUARD;
        }
        struct buffer *buffer = &stage->buffers[stage->buffer_count - 1];
        int64_t start = round_up(buffer->elements, ALIGNED_TO);
        start += stage->c->aligned ? 0 : 1 + random_below(random, ALIGNED_TO - 1);
        stage->place[i] = (struct place){stage->buffer_count - 1, start};
        buffer->elements = start + operand->argument.extent + GUARD;
    }
    for (int i = 0; i < stage->count; i++) {
        stage->place[i] = stage->place[stage->operands[i].home];
    }
}

static minrnn_status create_buffers(struct stage *stage) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < stage->buffer_count && !status; i++) {
        struct buffer *buffer = &stage->buffers[i];
        const size_t elements = (size_t)buffer->elements;
        buffer->image = mem_alloc(elements, sizeof *buffer->image);
        buffer->seen = mem_alloc(elements, sizeof *buffer->seen);
        if (!buffer->image || !buffer->seen) {
            return MINRNN_OUT_OF_MEMORY;
        }
        status =
            minrnn_buffer_create(stage->device, elements * sizeof *buffer->image, &buffer->device);
    }
    return status;
}

static void bind_operands(struct stage *stage) {
    minrnn_tensor tensors[OP_MAX_ARGUMENTS] = {{0}};
    for (int i = 0; i < stage->count; i++) {
        if (stage->operands[i].given) {
            const struct place *place = &stage->place[i];
            tensors[i] = (minrnn_tensor){stage->buffers[place->buffer].device, place->start,
                                         stage->operands[i].argument.type};
        }
    }
    stage->args = stage->c->args;
    stage->entry->bind(&stage->args, tensors);
}

/* Asks for scratch with no tensor at all: the need depends on sizes and options alone. */
static minrnn_status create_scratch(struct stage *stage) {
    struct op_context planner = {.device = stage->device, .planning = true};
    const minrnn_status status = stage->entry->run(&planner, &stage->c->args);
    if (status) {
        complain(stage, "planning: %s", minrnn_error_text());
        return MINRNN_OK;
    }
    stage->scratch_bytes = planner.scratch_need;
    const size_t bytes = (size_t)planner.scratch_need + 2 * SCRATCH_GUARD_BYTES;
    stage->scratch_image = mem_alloc(2, bytes);
    return stage->scratch_image ? minrnn_buffer_create(stage->device, bytes, &stage->scratch)
                                : MINRNN_OUT_OF_MEMORY;
}

/* ---- what is there before a run ---- */

static minrnn_status write_buffers(struct stage *stage, int run) {
    for (int i = 0; i < stage->buffer_count; i++) {
        for (int64_t j = 0; j < stage->buffers[i].elements; j++) {
            stage->buffers[i].image[j].bits = guard_bits;
        }
    }
    for (int i = 0; i < stage->count; i++) {
        struct operand *operand = &stage->operands[i];
        if (!operand->given || operand->home != i) {
            continue;
        }
        union element *image = stage->buffers[stage->place[i].buffer].image + stage->place[i].start;
        for (int64_t j = 0; j < operand->argument.extent; j++) {
            image[j].bits = operand_is_read(operand) ? operand->initial[j].bits : poison_bits[run];
        }
    }
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < stage->buffer_count && !status; i++) {
        struct buffer *buffer = &stage->buffers[i];
        status = minrnn_buffer_write(buffer->device, 0, buffer->image,
                                     (uint64_t)buffer->elements * sizeof *buffer->image);
    }
    return status;
}

static minrnn_status write_scratch(struct stage *stage, int run) {
    const size_t need = (size_t)stage->scratch_bytes;
    memset(stage->scratch_image, SCRATCH_GUARD, need + 2 * SCRATCH_GUARD_BYTES);
    memset(stage->scratch_image + SCRATCH_GUARD_BYTES, scratch_poison[run], need);
    return minrnn_buffer_write(stage->scratch, 0, stage->scratch_image,
                               need + 2 * SCRATCH_GUARD_BYTES);
}

/* ---- what is there after a run ---- */

static void check_guards(struct stage *stage) {
    for (int i = 0; i < stage->buffer_count; i++) {
        const struct buffer *buffer = &stage->buffers[i];
        for (int64_t j = 0; j < buffer->elements; j++) {
            if (buffer->seen[j].bits == buffer->image[j].bits) {
                continue;
            }
            const char *near = "";
            int64_t distance = 0;
            for (int k = 0; k < stage->count; k++) {
                if (stage->operands[k].given && stage->place[k].buffer == i &&
                    (near[0] == 0 || j >= stage->place[k].start - GUARD)) {
                    near = stage->operands[k].argument.name;
                    distance = j - stage->place[k].start;
                }
            }
            complain(stage, "wrote where it must not: element %lld of %s (or beside it)",
                     (long long)distance, near);
            return;
        }
    }
}

/* Takes each output out of what was seen, and puts what was there before in its place; then
 * everything else must be as it was. */
static minrnn_status read_buffers(struct stage *stage, union element **results) {
    minrnn_status status = MINRNN_OK;
    for (int i = 0; i < stage->buffer_count && !status; i++) {
        struct buffer *buffer = &stage->buffers[i];
        status = minrnn_buffer_read(buffer->device, 0, buffer->seen,
                                    (uint64_t)buffer->elements * sizeof *buffer->seen);
    }
    for (int i = 0; i < stage->count && !status; i++) {
        const struct operand *operand = &stage->operands[i];
        if (!operand->given || !operand_is_written(operand)) {
            continue;
        }
        const struct buffer *buffer = &stage->buffers[stage->place[i].buffer];
        const size_t bytes = (size_t)operand->argument.extent * sizeof **results;
        results[i] = mem_alloc((uint64_t)operand->argument.extent + 1, sizeof **results);
        if (!results[i]) {
            return MINRNN_OUT_OF_MEMORY;
        }
        memcpy(results[i], buffer->seen + stage->place[i].start, bytes);
        memcpy(buffer->seen + stage->place[i].start, buffer->image + stage->place[i].start, bytes);
    }
    if (!status) {
        check_guards(stage);
    }
    return status;
}

static minrnn_status read_scratch(struct stage *stage) {
    const size_t need = (size_t)stage->scratch_bytes;
    const size_t bytes = need + 2 * SCRATCH_GUARD_BYTES;
    unsigned char *seen = stage->scratch_image + bytes;
    const minrnn_status status = minrnn_buffer_read(stage->scratch, 0, seen, bytes);
    if (status) {
        return status;
    }
    memset(seen + SCRATCH_GUARD_BYTES, scratch_poison[0], need);
    memset(stage->scratch_image + SCRATCH_GUARD_BYTES, scratch_poison[0], need);
    if (memcmp(seen, stage->scratch_image, bytes) != 0) {
        complain(stage, "wrote outside the %lld bytes of scratch it asked for",
                 (long long)stage->scratch_bytes);
    }
    return MINRNN_OK;
}

static void release_results(union element **results) {
    for (int i = 0; i < OP_MAX_ARGUMENTS; i++) {
        mem_free(results[i]);
        results[i] = NULL;
    }
}

static minrnn_status run_once(struct stage *stage, int run, union element **results) {
    minrnn_status status = write_buffers(stage, run);
    status = status ? status : write_scratch(stage, run);
    if (status) {
        return status;
    }
    struct op_context context = {.device = stage->device};
    if (stage->scratch_bytes > 0) {
        context.scratch = tensor_f32(stage->scratch, SCRATCH_GUARD_BYTES / F32_BYTES);
        context.scratch_bytes = stage->scratch_bytes;
    }
    const double begin = clock_seconds();
    status = stage->entry->run(&context, &stage->args);
    status = status ? status : minrnn_device_finish(stage->device);
    stage->outcome->seconds = run > 0 ? clock_seconds() - begin : 0;
    if (status) {
        complain(stage, "%s", minrnn_error_text());
        return MINRNN_OK;
    }
    status = read_buffers(stage, results);
    return status ? status : read_scratch(stage);
}

/* ---- judgement ---- */

/* What a device that flushes denormals may lose beside the bound: sums of up to 2^13 of them, or
 * what the op says. */
static double flushed(const struct stage *stage) {
    const double own =
        stage->entry->check->flushed ? stage->entry->check->flushed(&stage->args) : 0;
    return 0x1p-126 * fmax(8192, own);
}

static void compare(struct stage *stage, int i) {
    const struct operand *operand = &stage->operands[i];
    const double *want = operand->host;
    const union element *got = stage->results[i];
    double largest = 0;
    for (int64_t j = 0; j < operand->argument.extent; j++) {
        oracle_scale(&largest, fabs(want[j]));
    }
    const double epsilons = check_bound(stage->entry, i, &stage->args);
    const double bound =
        epsilons * (double)FLT_EPSILON * (largest + operand->scale) + flushed(stage);
    double worst = 0;
    int64_t where = 0, first = 0, wrong = 0;
    for (int64_t j = 0; j < operand->argument.extent; j++) {
        const double error = fabs((double)got[j].f - want[j]);
        const double ratio = isfinite(error) ? error / bound : INFINITY;
        if (!(ratio <= worst)) {
            worst = ratio;
            where = j;
        }
        if (!(ratio <= 1) && wrong++ == 0) {
            first = j;
        }
    }
    oracle_scale(&stage->outcome->worst, worst);
    if (wrong > 0 || !(epsilons >= 0)) {
        const char *name = operand->argument.name;
        complain(stage,
                 "%s[%lld] is %.9g, oracle %.9g, bound %.3g (%lld of %lld elements are wrong; the "
                 "worst, [%lld], is %.9g, oracle %.9g)",
                 name, (long long)first, (double)got[first].f, want[first], bound, (long long)wrong,
                 (long long)operand->argument.extent, (long long)where, (double)got[where].f,
                 want[where]);
    }
}

static void compare_with_oracle(struct stage *stage) {
    void *tensors[OP_MAX_ARGUMENTS];
    double scales[OP_MAX_ARGUMENTS];
    for (int i = 0; i < stage->count; i++) {
        tensors[i] = stage->operands[i].host;
    }
    stage->entry->oracle(&stage->args, tensors, scales);
    for (int i = 0; i < stage->count; i++) {
        stage->operands[i].scale = scales[i];
        if (stage->results[i]) {
            compare(stage, i);
        }
    }
}

static void compare_runs(struct stage *stage, union element *const *again) {
    for (int i = 0; i < stage->count; i++) {
        const size_t extent = (size_t)stage->operands[i].argument.extent;
        if (stage->results[i] && again[i] &&
            memcmp(stage->results[i], again[i], extent * sizeof **again) != 0) {
            complain(stage, "%s differs between two runs of the same call",
                     stage->operands[i].argument.name);
        }
    }
}

static void stage_destroy(struct stage *stage) {
    for (int i = 0; i < stage->buffer_count; i++) {
        minrnn_buffer_destroy(stage->buffers[i].device);
        mem_free(stage->buffers[i].image);
        mem_free(stage->buffers[i].seen);
    }
    minrnn_buffer_destroy(stage->scratch);
    mem_free(stage->scratch_image);
    release_results(stage->results);
    operands_destroy(stage->operands, stage->count);
}

minrnn_status check_run(minrnn_device *device, const struct op_entry *entry,
                        const struct check_case *c, uint64_t seed, struct check_outcome *outcome) {
    struct stage stage = {.device = device, .entry = entry, .c = c, .outcome = outcome};
    struct check_random random = {.seed = seed, .stream = op_entry_stream(entry) + 1};
    union element *again[OP_MAX_ARGUMENTS] = {0};
    *outcome = (struct check_outcome){0};
    minrnn_status status = operands_create(entry, c, &random, stage.operands, &stage.count);
    if (!status) {
        place_operands(&stage, &random);
        status = create_buffers(&stage);
    }
    status = status ? status : create_scratch(&stage);
    if (!status && !outcome->failure[0]) {
        bind_operands(&stage);
        status = run_once(&stage, 0, stage.results);
    }
    if (!status && !outcome->failure[0]) {
        compare_with_oracle(&stage);
        status = run_once(&stage, 1, again);
    }
    if (!status) {
        compare_runs(&stage, again);
    }
    release_results(again);
    stage_destroy(&stage);
    return status;
}

void check_describe(const struct op_entry *entry, const struct check_case *c, char *text,
                    size_t capacity) {
    static const char *const values[] = {"", ", zeros", ", +-88", ", +-1000", ", denormals"};
    static const char *const marks[] = {"", ", marks everywhere", ", marks nowhere",
                                        ", a mark at each place"};
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const int count = entry->arguments(&c->args, arguments);
    entry->describe(&c->args, text, capacity);
    const char *separator = ", given ";
    for (int i = 0; i < count; i++) {
        const bool optional = arguments[i].role == OP_IN_OPT || arguments[i].role == OP_OUT_OPT;
        if (optional && (c->given >> i & 1)) {
            const size_t used = strlen(text);
            snprintf(text + used, capacity - used, "%s%s", separator, arguments[i].name);
            separator = " ";
        }
    }
    size_t used = strlen(text);
    if (c->alias != c->alias_of) {
        snprintf(text + used, capacity - used, ", %s is %s", arguments[c->alias].name,
                 arguments[c->alias_of].name);
        used = strlen(text);
    }
    snprintf(text + used, capacity - used, "%s%s%s%s", values[c->values], marks[c->marks],
             c->aligned ? ", aligned" : "", c->shared ? ", one buffer" : "");
}
