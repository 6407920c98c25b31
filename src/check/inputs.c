/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the operands of a case with random inputs that its op accepts. */
#include "check/inputs.h"

#include "base/alloc.h"
#include "check/op_check.h"

#include <string.h>

int64_t filler_size(const struct filler *filler, const char *name) {
    return (int64_t)filler->entry->value(&filler->c->args, name);
}

/* ---- marks ---- */

static int32_t reset_at(const struct filler *filler, int64_t i) {
    const int64_t time = filler_size(filler, "time");
    switch (filler->c->marks) {
    case MARKS_EVERYWHERE: return 1;
    case MARKS_NOWHERE: return 0;
    case MARKS_EACH: return i % time == i / time % time;
    default: break;
    }
    const bool first = i % time == 0;
    return random_chance(filler->random, first ? 0.5 : 0.07);
}

static int32_t length_at(const struct filler *filler, int64_t i) {
    const int64_t time = filler_size(filler, "time");
    switch (filler->c->marks) {
    case MARKS_EVERYWHERE: return i % 2 == 0 ? 0 : (int32_t)time;
    case MARKS_NOWHERE: return (int32_t)time;
    case MARKS_EACH: return (int32_t)(i % (time + 1));
    default: return (int32_t)random_below(filler->random, time + 1);
    }
}

void fill_reset(const struct filler *filler, struct operand *reset) {
    for (int64_t i = 0; i < reset->argument.extent; i++) {
        reset->initial[i].i = reset_at(filler, i);
    }
}

void fill_lengths(const struct filler *filler, struct operand *lengths) {
    for (int64_t i = 0; i < lengths->argument.extent; i++) {
        lengths->initial[i].i = length_at(filler, i);
    }
}

/* ---- floating point ---- */

float filler_draw(const struct filler *filler) {
    const float normal = random_normal(filler->random);
    const bool extreme = random_chance(filler->random, 0.25);
    switch (filler->c->values) {
    case VALUES_ZERO: return 0;
    case VALUES_88: return extreme ? copysignf(88, normal) : normal;
    case VALUES_1000: return extreme ? copysignf(1000, normal) : normal;
    case VALUES_DENORMAL: return 0x1p-133f * fabsf(normal);
    default: return normal;
    }
}

float filler_draw_or_nonfinite(const struct filler *filler, float value, double chance) {
    static const float kinds[] = {NAN, INFINITY, -INFINITY};
    return random_chance(filler->random, chance) ? kinds[random_below(filler->random, 3)] : value;
}

void fill_each(const struct filler *filler, struct operand *operand,
               float (*draw)(const struct filler *filler)) {
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        operand->initial[i].f = draw(filler);
    }
}

void fill_accumulated(const struct filler *filler, struct operand *operand) {
    fill_each(filler, operand, filler_draw);
    for (int64_t i = 0; filler_size(filler, "accumulate") == 0 && i < operand->argument.extent;
         i++) {
        operand->initial[i].f = NAN;
    }
}

void operand_round(struct operand *operand) {
    double *host = operand->host;
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        operand->initial[i].f = (float)host[i];
        host[i] = (double)operand->initial[i].f;
    }
}

/* ---- operands ---- */

static void to_host(struct operand *operand) {
    double *real = operand->host;
    int32_t *integer = operand->host;
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        if (operand->argument.type == MINRNN_F32) {
            real[i] = (double)operand->initial[i].f;
        } else {
            integer[i] = operand->initial[i].i;
        }
    }
}

static minrnn_status allocate(struct operand *operand, struct operand *home) {
    /* taps = 1 makes a state of no elements; memory is still something to point at. */
    const size_t extent = (size_t)operand->argument.extent + 1;
    operand->host = mem_alloc(extent, sizeof(double));
    if (home == operand) {
        operand->initial = mem_alloc(extent, sizeof *operand->initial);
    } else {
        operand->initial = home->initial;
    }
    return operand->host && operand->initial ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

static void fill_operand(const struct filler *filler, int place) {
    struct operand *operand = &filler->operands[place];
    if (!operand_is_read(operand)) {
        return;
    }
    if (filler->entry->check->fill[place]) {
        filler->entry->check->fill[place](filler, operand);
    } else if (operand->argument.type == MINRNN_F32) {
        fill_each(filler, operand, filler_draw);
    }
}

minrnn_status operands_create(const struct op_entry *entry, const struct check_case *c,
                              struct check_random *random, struct operand *operands, int *count) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const struct filler filler = {entry, c, random, operands,
                                  entry->arguments(&c->args, arguments)};
    *count = filler.count;
    memset(operands, 0, (size_t)filler.count * sizeof *operands);
    for (int i = 0; i < filler.count; i++) {
        const enum op_role role = arguments[i].role;
        const bool optional = role == OP_IN_OPT || role == OP_OUT_OPT;
        operands[i].argument = arguments[i];
        operands[i].given = !optional || (c->given >> i & 1);
        operands[i].home = i;
    }
    if (c->alias != c->alias_of && operands[c->alias].given && operands[c->alias_of].given) {
        operands[c->alias].home = c->alias_of;
    }
    minrnn_status status = MINRNN_OK;
    /* Homes first: what shares their memory points into it. */
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < filler.count && !status; i++) {
            if (operands[i].given && (operands[i].home == i) == (pass == 0)) {
                status = allocate(&operands[i], &operands[operands[i].home]);
            }
        }
    }
    for (int i = 0; i < filler.count && !status; i++) {
        if (operands[i].given && operands[i].home == i) {
            fill_operand(&filler, i);
        }
    }
    for (int i = 0; i < filler.count && !status; i++) {
        if (operands[i].given && operand_is_read(&operands[i])) {
            to_host(&operands[i]);
        }
    }
    if (!status && entry->check->derive) {
        status = entry->check->derive(&filler);
    }
    return status;
}

void operands_destroy(struct operand *operands, int count) {
    for (int i = 0; i < count; i++) {
        mem_free(operands[i].host);
        if (operands[i].home == i) {
            mem_free(operands[i].initial);
        }
    }
}
