/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table. */
#include "check/op_check.h"

/* ---- the oracle ---- */

static void embed_forward_oracle(union op_oracle *all) {
    struct embed_forward_oracle *o = &all->embed_forward;
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * o->width + c] = o->table[o->tokens[r] * o->width + c];
        }
    }
}

static void embed_backward_oracle(union op_oracle *all) {
    struct embed_backward_oracle *o = &all->embed_backward;
    for (int64_t token = 0; token < o->vocab; token++) {
        for (int64_t c = 0; c < o->width; c++) {
            double *total = &o->dtable[token * o->width + c];
            double magnitude = fabs(*total);
            for (int64_t i = o->start[token]; i < o->start[token + 1]; i++) {
                const double term = o->dy[o->order[i] * o->width + c];
                *total += term;
                magnitude += fabs(term);
            }
            oracle_scale(&o->dtable_scale, magnitude);
        }
    }
}

/* ---- bounds: bits; the sum, and 2 ---- */

BOUND(embed_forward, y, 0)
BOUND(embed_backward, dtable, 2 + sum_error(a->rows))

/* ---- inputs ---- */

static void fill_tokens(const struct filler *filler, struct operand *tokens) {
    for (int64_t i = 0; i < tokens->argument.extent; i++) {
        tokens->initial[i].i = (int32_t)random_below(filler->random, filler_size(filler, "vocab"));
    }
}

/* order, and start with it: the rows of random tokens, sorted by token. */
static void fill_order(const struct filler *filler, struct operand *order) {
    struct operand *start = &filler->operands[INDEX(embed_backward, start)];
    const int64_t rows = order->argument.extent, vocab = start->argument.extent - 1;
    const uint64_t first = filler->random->drawn;
    int32_t next = 0;
    for (int64_t token = 0; token < vocab; token++) {
        start->initial[token].i = next;
        filler->random->drawn = first; /* the same tokens in every round */
        for (int64_t r = 0; r < rows; r++) {
            if (random_below(filler->random, vocab) == token) {
                order->initial[next++].i = (int32_t)r;
            }
        }
    }
    start->initial[vocab].i = next;
}

/* ---- cases ---- */

static void make_embed_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.embed_forward =
            (struct embed_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                        .vocab = maker_pick(maker, SOME_VOCABULARIES),
                                        .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
}

static void make_embed_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.embed_backward =
            (struct embed_backward_args){.rows = maker_pick(maker, SOME_ROWS),
                                         .vocab = maker_pick(maker, SOME_VOCABULARIES),
                                         .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

#define LARGE_EMBED(op) LARGE(op, ~0u, .rows = LARGE_ROWS, .vocab = 65, .width = LARGE_WIDTH)
#define TIMED_EMBED(op) TIMED_WIDTHS(op, 0, .rows = TIMED_ROWS, .vocab = TIMED_VOCABULARY)

const struct op_check check_embed_forward = {
    .oracle = embed_forward_oracle,
    .bounds = {BOUNDED(embed_forward, y)},
    .cases = make_embed_forward,
    .fill = {AT(embed_forward, tokens) = fill_tokens},
    .large = LARGE_EMBED(embed_forward),
    .timed = {TIMED_EMBED(embed_forward)},
};

const struct op_check check_embed_backward = {
    .oracle = embed_backward_oracle,
    .bounds = {BOUNDED(embed_backward, dtable)},
    .cases = make_embed_backward,
    .fill = {AT(embed_backward, order) = fill_order},
    .large = LARGE_EMBED(embed_backward),
    .timed = {TIMED_EMBED(embed_backward)},
};
